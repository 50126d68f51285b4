import { DomainError } from '../../domain/errors.ts'
import { isDamage } from './attempt.ts'

type Methods = Readonly<Record<string, (...input: never[]) => Promise<unknown>>>

/** Remembers that a method has met a damaged page. */
export const damageWatch = () => {
  let found: unknown
  const note = (error: unknown): never => {
    if (error instanceof DomainError && isDamage(error.cause)) found ??= error.cause
    throw error
  }
  const watch = <Store extends Methods>(store: Store): Store => {
    const methods = Object.entries(store).map(([name, method]) => [
      name,
      (...input: never[]) => method(...input).catch(note),
    ])
    return Object.fromEntries(methods) as Store
  }
  const check = (): void => {
    if (found === undefined) return
    throw new DomainError('unavailable', 'The storage is damaged. Restore a backup.', {
      cause: found,
    })
  }
  return { watch, check }
}
