import { sharedSecretSigner } from '../../adapters/jwt/shared-secret.ts'
import { readConfig } from '../config.ts'

const SIGN_UP =
  'This server uses its built-in sign-in: the message at its start shows how to get a token. ' +
  'This command needs BETTER_AUTH_SECRET.'
const EXTERNAL = 'Tokens are issued by the identity provider behind AUTH_JWKS_URL; sign in there.'

export const printToken = async (sub: string, expires: string): Promise<void> => {
  const seconds = Number(expires)
  if (!Number.isInteger(seconds) || seconds < 1) {
    throw new Error('--expires must be a whole number of seconds, at least 1.')
  }
  if (sub === '') throw new Error('--sub must name a user.')
  const config = readConfig(process.env)
  const { secret, issuer, audience } = config.tokens
  if (secret === undefined) throw new Error(config.identity ? SIGN_UP : EXTERNAL)
  const sign = sharedSecretSigner({
    secret,
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  })
  process.stdout.write(`${await sign(sub, seconds)}\n`)
}
