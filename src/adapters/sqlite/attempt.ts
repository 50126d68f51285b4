import { DomainError } from '../../domain/errors.ts'
import { codeOf } from './database.ts'

/** Runs a step; what keeps the file from being used becomes `unavailable`. */
export const attempt = async <Result>(step: () => Result | Promise<Result>): Promise<Result> => {
  try {
    return await step()
  } catch (error) {
    if (!/^SQLITE_(FULL|IOERR|BUSY|READONLY|CANTOPEN)/.test(codeOf(error) ?? '')) throw error
    throw new DomainError('unavailable', 'The storage cannot be used right now. Try again.', {
      cause: error,
    })
  }
}
