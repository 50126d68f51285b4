import postgres from 'postgres'
import { sharedSecretSigner } from '../src/adapters/jwt/shared-secret.ts'
import { type EventReader, readEvents } from '../tests/support/events.ts'
import { temporaryFolder } from '../tests/support/folder.ts'
import { freshDatabase } from '../tests/support/postgres.ts'
import { SHARED } from '../tests/support/server.ts'
import { untilReady } from './dataset.ts'
import { startMeasured } from './servers.ts'

/**
 * What open event streams cost, two processes on one PostgreSQL: memory of an idle one, queries per
 * second of 2 000, and how long a change takes to its reader, in the same and in the other process.
 */
const STREAMS = 2000
const SAMPLES = 200
const IDLE = 10_000

/** How many requests Bun's own client has open at once is read when the process starts. */
const OPEN = 'BUN_CONFIG_MAX_HTTP_REQUESTS'
if (!process.env[OPEN]) {
  const env = { ...process.env, [OPEN]: String(STREAMS * 2) }
  const again = Bun.spawn([process.execPath, import.meta.path], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  process.exit(await again.exited)
}

const url = await freshDatabase()
const env = { ...SHARED, DATABASE_URL: url, LOG_LEVEL: 'error' }
const start = async () => {
  const server = await startMeasured(['../src/main.ts'], temporaryFolder(), env)
  await untilReady(server.url)
  return server
}
const [here, there] = await Promise.all([start(), start()])
const sign = sharedSecretSigner({ secret: SHARED.BETTER_AUTH_SECRET })
const bearerOf = async (user: string) => ({ authorization: `Bearer ${await sign(user, 3600)}` })

const sql = postgres(url, { max: 1, onnotice: () => {} })
const transactions = async (): Promise<number> => {
  const [row] = await sql`
    select pg_stat_clear_snapshot(), xact_commit::float from pg_stat_database
    where datname = current_database()`
  return row?.['xact_commit']
}
/** An idle connection tells what it has done up to 10 seconds late. */
const perSecond = async (): Promise<string> => {
  await Bun.sleep(12_000)
  const before = await transactions()
  await Bun.sleep(IDLE)
  return (((await transactions()) - before) / (IDLE / 1000)).toFixed(1)
}

for (let n = 0; n < 50; n++) {
  await fetch(`${here.url}/api/tasks`, { headers: await bearerOf(`warm-${n}`) })
}
console.log(`queries per second without streams: ${await perSecond()}`)
const before = here.memory()
const streams: EventReader[] = []
for (let n = 0; n < STREAMS; n++) {
  streams.push(await readEvents(`${here.url}/api/events`, await bearerOf(`user-${n}`)))
}
for (const stream of streams) await stream.next()
console.log(
  `queries per second with ${STREAMS} idle streams of as many users: ${await perSecond()}`,
)
const after = here.memory()
console.log(
  `memory: ${before.toFixed(0)} MB, with them ${after.toFixed(0)} MB, ` +
    `${(((after - before) * 1024) / STREAMS).toFixed(1)} kB each`,
)

const delays = async (writer: string): Promise<string> => {
  const all: number[] = []
  const sample = async (n: number): Promise<void> => {
    const stream = streams[n]
    await Bun.sleep(n * 10)
    const began = performance.now()
    await fetch(`${writer}/api/tasks`, {
      method: 'POST',
      headers: { ...(await bearerOf(`user-${n}`)), 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'news' }),
    })
    while ((await stream?.next())?.event === 'current') {}
    all.push(performance.now() - began)
  }
  await Promise.all(Array.from({ length: SAMPLES }, (_, n) => sample(n)))
  all.sort((a, b) => a - b)
  const at = (share: number): string => `${all[Math.floor(all.length * share)]?.toFixed(1)} ms`
  return `p50 ${at(0.5)}, p99 ${at(0.99)}`
}
console.log(`from the request to its event, same process: ${await delays(here.url)}`)
console.log(`from the request to its event, other process: ${await delays(there.url)}`)
await Promise.all([here.stop(), there.stop()])
await sql.end()
process.exit(0)
