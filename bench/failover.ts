import { parseArgs } from 'node:util'
import { sharedSecretSigner } from '../src/adapters/jwt/shared-secret.ts'
import { temporaryFolder } from '../tests/support/folder.ts'
import { administer, privateServer } from '../tests/support/postgres.ts'
import { SHARED } from '../tests/support/server.ts'
import { eventually } from '../tests/support/wait.ts'
import { untilReady } from './dataset.ts'
import { SHIPPED, startMeasured } from './servers.ts'

/** See README.md in this folder. */
const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    away: { type: 'string', default: '3' },
    workers: { type: 'string', default: '1,2' },
  },
})
const RUNS = Number(options.runs)
const AWAY_MS = Number(options.away) * 1000
const CLIENTS = 8
const RETRY_MS = 10

type Run = Readonly<{ promoted: number; first: number; last: number }>

const DURABLE = { fsync: 'on', full_page_writes: 'on' }

/** Sends one create after the other; the second function says when one succeeds from now on. */
const startClient = async (url: string, owner: string, signal: AbortSignal) => {
  const sign = sharedSecretSigner({ secret: SHARED['BETTER_AUTH_SECRET'] ?? '' })
  const headers = {
    authorization: `Bearer ${await sign(owner, 3600)}`,
    'content-type': 'application/json',
  }
  let succeeded = Promise.withResolvers<number>()
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const body = JSON.stringify({ title: 'written' })
      const { status } = await fetch(`${url}/api/tasks`, { method: 'POST', headers, body })
      if (status === 201) succeeded.resolve(performance.now())
      else if (status !== 503) throw new Error(`${status} instead of 201 or 503`)
      await Bun.sleep(RETRY_MS)
    }
  }
  return {
    done: run(),
    next: (): Promise<number> => {
      succeeded = Promise.withResolvers()
      return succeeded.promise
    },
  }
}

const promotion = async (workers: string): Promise<Run> => {
  const primary = await privateServer({ ...DURABLE, synchronous_standby_names: '*' })
  await primary.stop('fast')
  const standby = await privateServer(DURABLE, { primary })
  await primary.start()
  const [first, second] = [primary, standby].map(({ url }) => new URL(url).host)
  const server = await startMeasured(['../src/main.ts'], temporaryFolder(), {
    ...SHIPPED,
    ...SHARED,
    DATABASE_URL: `postgres://postgres@${first},${second}/postgres`,
    WORKERS: workers,
  })
  await untilReady(server.url)
  const over = new AbortController()
  const names = Array.from({ length: CLIENTS }, (_, n) => `client ${n}`)
  const clients = await Promise.all(names.map((name) => startClient(server.url, name, over.signal)))
  await Promise.all(clients.map(({ next }) => next()))
  await primary.stop('kill')
  await Bun.sleep(AWAY_MS)
  const writes = clients.map(({ next }) => next())
  const began = performance.now()
  await administer(standby.url, (sql) => sql`select pg_promote(wait => false)`)
  let promoted = 0
  await administer(standby.url, (sql) =>
    eventually(async () => {
      const [row] = await sql`select pg_is_in_recovery() as recovering`
      promoted = performance.now()
      return row?.['recovering'] === false
    }, 'The standby was not promoted.'),
  )
  const all = await Promise.all(writes)
  over.abort()
  await Promise.all(clients.map(({ done }) => done))
  await server.stop()
  await standby.close()
  await primary.close()
  return {
    promoted: promoted - began,
    first: Math.min(...all) - began,
    last: Math.max(...all) - began,
  }
}

const summary = (all: readonly number[]): string => {
  const sorted = all.toSorted((a, b) => a - b).map(Math.round)
  return `${sorted[sorted.length >> 1]} (${sorted[0]} to ${sorted.at(-1)})`
}

console.log('| WORKERS | standby writable, ms | first write, ms | all clients, ms |')
console.log('|---|---|---|---|')
for (const workers of options.workers.split(',')) {
  const runs: Run[] = []
  for (let n = 0; n < RUNS; n++) runs.push(await promotion(workers))
  const cells = (['promoted', 'first', 'last'] as const).map((name) =>
    summary(runs.map((run) => run[name])),
  )
  console.log(`| ${[workers, ...cells].join(' | ')} |`)
}
process.exit(0)
