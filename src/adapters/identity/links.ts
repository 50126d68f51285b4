/** The page of this server that links in mails lead to, unless a front end has named its own. */
const PAGE = '/account'

export type Links = ReturnType<typeof linksIn>

/** Where links in mails lead to. A link that the library made says in `callbackURL` what to open. */
export const linksIn = (baseUrl: string) => {
  const opened = (made: string | undefined, page: string): string => {
    const given = made && new URL(made).searchParams.get('callbackURL')
    return given && given !== '/' ? given : page
  }
  const withToken = (path: string, token: string): string => {
    const url = new URL(path, baseUrl)
    url.searchParams.set('token', token)
    return url.href
  }
  return {
    page: new URL(PAGE, baseUrl).href,
    reset: (token: string, made?: string): string => withToken(opened(made, PAGE), token),
    verification: (token: string, made: string): string => {
      const url = new URL(withToken('/api/auth/verify-email', token))
      url.searchParams.set('callbackURL', opened(made, `${PAGE}?verified=true`))
      return url.href
    },
  }
}
