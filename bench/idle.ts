import { parseArgs } from 'node:util'
import { temporaryFolder } from '../tests/support/folder.ts'
import { privateServer } from '../tests/support/postgres.ts'
import { SHARED } from '../tests/support/server.ts'
import { untilReady } from './dataset.ts'
import { type CpuMeter, databaseCpu, SHIPPED, startMeasured } from './servers.ts'

/**
 * What a server without requests costs on an empty database: milliseconds of processor time a second,
 * its own and its database's, from the kernel's counters (10 ms), so over not too few `--seconds`.
 */
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    settle: { type: 'string', default: '10' },
  },
})
const SECONDS = Number(options.seconds)

const cluster = await privateServer({ fsync: 'on', full_page_writes: 'on' })
const storages: [name: string, url: string, database: CpuMeter][] = [
  ['PostgreSQL', cluster.url, databaseCpu(cluster, 'postgres')],
  ['SQLite', `sqlite:${temporaryFolder()}/idle.db`, () => () => 0],
]

console.log('| storage | server, ms of CPU a second | database | RSS, MB |')
console.log('|---|---|---|---|')
for (const [name, url, database] of storages) {
  const env = { ...SHIPPED, ...SHARED, DATABASE_URL: url }
  const server = await startMeasured(['../src/main.ts'], temporaryFolder(), env)
  await untilReady(server.url)
  await Bun.sleep(Number(options.settle) * 1000)
  const began = performance.now()
  const [own, others] = [server.cpu(), database()]
  await Bun.sleep(SECONDS * 1000)
  const milliseconds = performance.now() - began
  const perSecond = (microseconds: number): string => (microseconds / milliseconds).toFixed(1)
  const cells = [perSecond(own()), perSecond(others())]
  console.log(`| ${[name, ...cells, server.memory().toFixed(0)].join(' | ')} |`)
  await server.stop()
}
await cluster.close()
process.exit(0)
