import type { Once } from '../../application/carry-out.ts'
import { DomainError } from '../../domain/errors.ts'
import { exchangeOf } from './exchange.ts'

/**
 * The request's `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), bare or in quotes,
 * with a digest of the request; undefined without one. To be called when the body has been read.
 */
export const onceOf = (request: Request): Once | undefined => {
  const header = request.headers.get('idempotency-key')
  if (header === null) return undefined
  const key = /^"(.*)"$/.exec(header.trim())?.[1] ?? header.trim()
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new DomainError(
      'invalid',
      'Idempotency-Key must have 1 to 255 visible ASCII characters, such as a new UUID.',
    )
  }
  const exchange = exchangeOf(request)
  const digest = new Bun.CryptoHasher('sha256')
    .update(`${request.method} ${exchange.path}${exchange.search}\n`)
    .update(exchange.body ?? '')
    .digest('base64url')
  const onReplay = (): void => {
    exchange.replayed = true
  }
  return { key, request: digest, onReplay }
}
