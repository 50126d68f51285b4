import { DomainError } from '../../domain/errors.ts'

/** Such as SQLITE_BUSY; undefined for any other error. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined

const UNUSABLE = /^SQLITE_(FULL|IOERR|BUSY|READONLY|CANTOPEN|CORRUPT|NOTADB)/

const DAMAGED = /^SQLITE_(CORRUPT|NOTADB)/

export const isDamage = (error: unknown): boolean => DAMAGED.test(codeOf(error) ?? '')

/** Runs a step; what keeps the file from being used becomes `unavailable`. */
export const attempt = async <Result>(step: () => Result | Promise<Result>): Promise<Result> => {
  try {
    return await step()
  } catch (error) {
    if (!UNUSABLE.test(codeOf(error) ?? '')) throw error
    throw new DomainError('unavailable', 'The storage cannot be used right now. Try again.', {
      cause: error,
    })
  }
}
