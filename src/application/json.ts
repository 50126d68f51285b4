/** Parsed, or serialised, only on demand. */
export type Json<Value> = Readonly<{
  text(): string
  value(): Value
}>

export const parsedLater = <Value>(text: string): Json<Value> => ({
  text: () => text,
  value: () => JSON.parse(text) as Value,
})
