import { parseArgs } from 'node:util'
import { sharedSecretSigner } from '../src/adapters/jwt/shared-secret.ts'
import { readConfig } from '../src/runtime/config.ts'

const USAGE = `Prints a token signed with BETTER_AUTH_SECRET, for development.

  bun run token -- --sub alice [--expires 3600]

  --sub      the user
  --expires  seconds until it expires, an hour unless given`

const SIGN_UP =
  'This server uses its built-in sign-in: the message at its start shows how to get a token. ' +
  'This command needs BETTER_AUTH_SECRET.'
const EXTERNAL = 'Tokens are issued by the identity provider behind AUTH_JWKS_URL; sign in there.'

try {
  const { values } = parseArgs({
    options: { sub: { type: 'string' }, expires: { type: 'string', default: '3600' } },
  })
  const seconds = Number(values.expires)
  if (!values.sub || !Number.isInteger(seconds) || seconds < 1) throw new Error(USAGE)
  const config = readConfig(process.env)
  const { secret, issuer, audience } = config.tokens
  if (secret === undefined) throw new Error(config.identity ? SIGN_UP : EXTERNAL)
  const sign = sharedSecretSigner({
    secret,
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  })
  process.stdout.write(`${await sign(values.sub, seconds)}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}
