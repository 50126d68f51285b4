/** A JSON value that is parsed, or serialised, only when it is asked for. */
export type Json<Value> = Readonly<{
  /** RFC 8259. */
  text(): string
  value(): Value
}>

/** Of a text that is known to be JSON. */
export const parsedLater = <Value>(text: string): Json<Value> => ({
  text: () => text,
  value: () => JSON.parse(text) as Value,
})
