/** A JSON answer (RFC 8259, which knows no charset). */
export const json = (
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): Response =>
  new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  })
