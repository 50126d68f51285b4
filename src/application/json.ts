/** Parsed, or serialised, only on demand. */
export type Json<Value> = Readonly<{
  text(): string
  value(): Value
  /** The text as UTF-8, for a text too large to be passed on as a whole. Can be read once. */
  stream?: () => ReadableStream<Uint8Array>
}>

export const parsedLater = <Value>(text: string): Json<Value> => ({
  text: () => text,
  value: () => JSON.parse(text) as Value,
})
