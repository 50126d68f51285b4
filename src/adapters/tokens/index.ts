import type { TokenSecrets } from '../../application/ports.ts'
import { TOKEN_PREFIX } from '../../domain/token.ts'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_BYTES = 32
const RANDOM_LENGTH = 43
const CHECKSUM_LENGTH = 6

const FORM = new RegExp(`^${TOKEN_PREFIX}[0-9A-Za-z]{${RANDOM_LENGTH + CHECKSUM_LENGTH}}$`)

const base62 = (number: bigint, length: number): string => {
  let text = ''
  for (let rest = number; text.length < length; rest /= 62n)
    text = DIGITS[Number(rest % 62n)] + text
  return text
}

const checksum = (text: string): string => base62(BigInt(Bun.hash.crc32(text)), CHECKSUM_LENGTH)

export const tokenSecrets: TokenSecrets = {
  create: () => {
    const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))
    const text = TOKEN_PREFIX + base62(BigInt(`0x${bytes.toHex()}`), RANDOM_LENGTH)
    return text + checksum(text)
  },
  hash: (token) => {
    if (!FORM.test(token) || !token.endsWith(checksum(token.slice(0, -CHECKSUM_LENGTH)))) return
    return new Bun.CryptoHasher('sha256').update(token).digest('base64url')
  },
}
