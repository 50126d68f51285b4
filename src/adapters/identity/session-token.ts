/**
 * The session token of a response is replaced by the signed one, the only one that is accepted as
 * `Authorization: Bearer`: neither a list of sessions nor a copy of the database signs anyone in.
 */
export const withSignedToken = async (response: Response): Promise<Response> => {
  const header = response.headers.get('set-auth-token')
  // Scripts of a browser, which has the cookie, are not to read it.
  response.headers.delete('set-auth-token')
  response.headers.delete('access-control-expose-headers')
  if (header === null || !response.ok) return response
  const signed = decodeURIComponent(header)
  const body = (await response.clone().json()) as { token?: unknown } | null
  if (typeof body?.token !== 'string' || !signed.startsWith(`${body.token}.`)) return response
  const { headers } = response
  headers.delete('content-length')
  return Response.json({ ...body, token: signed }, { headers })
}
