type Headers = Readonly<Record<string, string>>

/** A JSON response (RFC 8259, which defines no charset parameter). */
export const json = (status: number, value: unknown, headers: Headers = {}): Response =>
  jsonText(status, JSON.stringify(value), headers)

export const jsonText = (status: number, text: string, headers: Headers = {}): Response =>
  new Response(text, { status, headers: { 'content-type': 'application/json', ...headers } })

export const empty = (status: number, headers: Headers = {}): Response =>
  new Response(null, { status, headers })
