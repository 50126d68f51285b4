import { type Issue, throwIfInvalid } from '../../../domain/errors.ts'

/** Throws `invalid` for those that are unknown, repeated, or not percent-encoded UTF-8. */
export const queryParameters = <Name extends string>(
  search: string,
  names: readonly Name[],
): Partial<Record<Name, string>> => {
  const found: Partial<Record<Name, string>> = {}
  const issues: Issue[] = []
  for (const pair of search.slice(1).split('&')) {
    if (pair === '') continue
    const [name = '', ...rest] = pair.split('=')
    const field = decode(name) ?? name
    const value = decode(rest.join('='))
    const known = names.find((parameter) => parameter === field)
    if (!known) {
      const detail = `is unknown. Use one of ${names.join(', ')}.`
      issues.push({ field: field.slice(0, 100), detail })
    } else if (known in found) issues.push({ field: known, detail: 'must not be repeated.' })
    else if (value === undefined) {
      issues.push({ field: known, detail: 'must be percent-encoded UTF-8.' })
    } else found[known] = value
  }
  throwIfInvalid(issues.slice(0, 20))
  return found
}

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
