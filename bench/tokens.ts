import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { keySetVerifier } from '../src/adapters/jwt/key-set.ts'
import { sharedSecretSigner, sharedSecretVerifier } from '../src/adapters/jwt/shared-secret.ts'
import { memoryStorage } from '../src/adapters/memory/storage.ts'
import { sqliteStorage } from '../src/adapters/sqlite/storage.ts'
import type { TaskStore, TokenStore } from '../src/application/ports.ts'
import { appOf } from '../tests/support/app.ts'
import { temporaryFolder } from '../tests/support/folder.ts'
import { openPostgres } from '../tests/support/open-postgres.ts'
import { privateServer } from '../tests/support/postgres.ts'
import { SHARED } from '../tests/support/server.ts'
import { type CpuMeter, databaseCpu } from './servers.ts'

/**
 * What it costs to authenticate with a personal token, which is looked up each time, and with a JSON
 * Web Token that is not in the cache: microseconds of latency, of this process and of the database.
 */
const COUNT = 4000
const ROUNDS = 5
const TOKENS = 1000

const issuer = await generateKeyPair('EdDSA', { extractable: true })
const keys = { keys: [{ ...(await exportJWK(issuer.publicKey)), kid: 'a', alg: 'EdDSA' }] }
const verifyEdDSA = keySetVerifier({
  url: 'http://localhost/jwks',
  fetchKeys: async () => Response.json(keys),
})
const secret = SHARED.BETTER_AUTH_SECRET
const verifyHS256 = sharedSecretVerifier({ secret })
const signHS256 = sharedSecretSigner({ secret })
const signEdDSA = (sub: string): Promise<string> =>
  new SignJWT()
    .setProtectedHeader({ alg: 'EdDSA', kid: 'a' })
    .setSubject(sub)
    .setExpirationTime('1h')
    .sign(issuer.privateKey)

const many = <Item>(make: (n: number) => Promise<Item>, count: number): Promise<Item[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)))

const measure = async (
  name: string,
  texts: readonly string[],
  authenticate: (text: string) => unknown,
  database: CpuMeter = () => () => 0,
): Promise<void> => {
  for (const clients of [1, 32]) {
    const own = process.cpuUsage()
    const ofDatabase = database()
    const began = performance.now()
    let next = 0
    await many(async () => {
      while (next < texts.length) await authenticate(texts[next++] ?? '')
    }, clients)
    const micros = (performance.now() - began) * 1000
    const { user, system } = process.cpuUsage(own)
    const [latency, server, db] = [micros * clients, user + system, ofDatabase()].map((total) =>
      (total / texts.length).toFixed(1),
    )
    console.log(
      `${name}, ${clients} at once: latency ${latency}, process ${server}, database ${db}`,
    )
  }
}

const measureTokens = async (
  name: string,
  storage: { tasks: TaskStore; tokens: TokenStore },
  database?: CpuMeter,
): Promise<void> => {
  const now = () => new Date().toISOString()
  const app = appOf({ ...storage, now, newId: () => Bun.randomUUIDv7() })
  const fields = { name: 'bench', scopes: ['tasks:read'] }
  const secrets: string[] = []
  for (let n = 0; n < TOKENS; n++) {
    secrets.push((await app.createToken(`user-${n}`, fields)).secret)
  }
  const texts = Array.from({ length: COUNT }, (_, n) => secrets[n % TOKENS] ?? '')
  await many((n) => app.authenticateToken(texts[n] ?? ''), TOKENS)
  await app.noteTokenUses()
  await measure(name, texts, app.authenticateToken, database)
}

const server = await privateServer()
const postgres = await openPostgres(server.url)
const database = databaseCpu(server, new URL(server.url).pathname.slice(1))
for (let round = 0; round < ROUNDS; round++) {
  const prefix = `round ${round + 1}: `
  const jwt = (sign: (sub: string) => Promise<string>) =>
    many((n) => sign(`user-${round}-${n}`), COUNT)
  for (const [name, sign, verify] of [
    ['HS256', (sub: string) => signHS256(sub, 3600), verifyHS256],
    ['EdDSA', signEdDSA, verifyEdDSA],
  ] as const) {
    const cold = await jwt(sign)
    await measure(`${prefix}${name}, cold and then cached`, cold, verify)
  }
  await measureTokens(`${prefix}memory`, memoryStorage())
  const sqlite = sqliteStorage(`${temporaryFolder()}/bench.db`)
  await measureTokens(`${prefix}SQLite`, sqlite)
  sqlite.close()
  await measureTokens(`${prefix}PostgreSQL`, postgres, database)
}
await postgres.close()
await server.close()
