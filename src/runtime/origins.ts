export const parseHttpUrl = (value: string): string | undefined =>
  /^https?:\/\//.test(value) && URL.canParse(value) ? value : undefined

/** Without the slash at its end; undefined with a path. */
export const parsePublicUrl = (value: string): string | undefined => {
  const url = parseHttpUrl(value)
  if (url === undefined) return undefined
  const { origin, href } = new URL(url)
  return href === `${origin}/` ? origin : undefined
}

/** A browser sends the origin of an app as it is, such as `capacitor://localhost` or `myapp://`. */
const APP_ORIGIN = /^(?!https?:|file:|data:|blob:|javascript:)[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]*$/

/** Throws an Error that names the first bad entry and goes on from the name of the variable. */
export const parseOrigins = (value: string): string[] => {
  const origins = value.split(',').map((origin) => origin.trim())
  for (const origin of origins) {
    if (APP_ORIGIN.test(origin)) continue
    const exact = URL.canParse(origin) ? new URL(origin).origin : 'null'
    if (exact !== origin || exact === 'null' || origin.includes('*'))
      throw new Error(originProblem(origin, exact))
  }
  return origins
}

const originProblem = (origin: string, exact: string): string => {
  const example = 'such as https://app.example.com or capacitor://localhost.'
  if (origin === '') return `must not have two commas in a row. List exact origins, ${example}`
  if (origin.includes('*')) {
    return `must not have "${origin}": with cookies, a pattern would let any page in. List exact origins, ${example}`
  }
  if (/^https?:/.test(exact)) return `must be exact origins. Write ${exact} instead of "${origin}".`
  return `must be exact origins, ${example} "${origin}" is not one.`
}
