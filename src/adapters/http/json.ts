/** A JSON answer (RFC 8259, which knows no charset). */
export const json = (
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): Response => jsonText(status, JSON.stringify(value), headers)

/** The same of what is JSON already. */
export const jsonText = (
  status: number,
  text: string,
  headers: Record<string, string> = {},
): Response =>
  new Response(text, {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  })
