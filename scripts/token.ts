import { parseArgs } from 'node:util'
import { sharedSecretSigner } from '../src/adapters/jwt/shared-secret.ts'
import { readConfig, secretPath } from '../src/config.ts'
import { localSecret } from '../src/local-secret.ts'

const USAGE = `Prints a token for trying the server out.

  bun run token -- --sub alice [--expires 3600]

  --sub      the user it speaks for
  --expires  seconds it is good for, an hour unless given`

try {
  const { values } = parseArgs({
    options: { sub: { type: 'string' }, expires: { type: 'string', default: '3600' } },
  })
  const seconds = Number(values.expires)
  if (!values.sub || !Number.isInteger(seconds) || seconds < 1) throw new Error(USAGE)
  const config = readConfig(process.env)
  const { secret, jwksUrl, ...claims } = config.tokens
  if (secret === undefined && jwksUrl !== undefined) {
    throw new Error('Tokens come from the identity provider behind AUTH_JWKS_URL; sign in there.')
  }
  const sign = sharedSecretSigner({ ...claims, secret: secret ?? localSecret(secretPath(config)) })
  process.stdout.write(`${await sign(values.sub, seconds)}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}
