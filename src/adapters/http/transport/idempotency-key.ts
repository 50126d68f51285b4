import type { IdempotencyKey } from '../../../application/ports.ts'
import { DomainError } from '../../../domain/errors.ts'
import { contextOf } from './request-context.ts'

/** draft-ietf-httpapi-idempotency-key-header, bare or quoted. The body must have been read. */
export const idempotencyKeyOf = (request: Request): IdempotencyKey | undefined => {
  const header = request.headers.get('idempotency-key')
  if (header === null) return undefined
  const key = /^"(.*)"$/.exec(header.trim())?.[1] ?? header.trim()
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new DomainError(
      'invalid',
      'Idempotency-Key must have 1 to 255 visible ASCII characters, such as a new UUID.',
    )
  }
  const context = contextOf(request)
  const digest = new Bun.CryptoHasher('sha256')
    .update(`${request.method} ${context.path}${context.search}\n`)
    .update(context.body ?? '')
    .digest('base64url')
  return { key, request: digest }
}

export const noteReplay = <Result extends Readonly<{ replayed: boolean }>>(
  request: Request,
  result: Result,
): Result => {
  if (result.replayed) contextOf(request).replayed = true
  return result
}
