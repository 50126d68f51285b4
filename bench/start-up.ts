import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { temporaryFolder } from '../tests/support/folder.ts'
import { freshDatabase } from '../tests/support/postgres.ts'
import { SHARED } from '../tests/support/server.ts'
import { untilReady } from './dataset.ts'
import { SHIPPED, startMeasured } from './servers.ts'

/**
 * Milliseconds from starting the process to its first 200 on /health, and resident memory once it is
 * ready: with the built-in identity provider, on a new database and on one that is there. Median and
 * range over `--runs` starts each.
 */
const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '15' } } })
const RUNS = Number(options.runs)

type Start = Readonly<{ milliseconds: number; megabytes: number }>

const start = async (folder: string, url: string): Promise<Start> => {
  const env = { ...SHIPPED, AUTH_SECRET: SHARED.BETTER_AUTH_SECRET, DATABASE_URL: url }
  const server = await startMeasured(['../src/main.ts'], folder, env)
  await untilReady(server.url)
  const megabytes = server.memory()
  await server.stop()
  return { milliseconds: server.started, megabytes }
}

const summary = (all: readonly number[]): string => {
  const sorted = all.toSorted((a, b) => a - b).map(Math.round)
  return `${sorted[sorted.length >> 1]} (${sorted[0]} to ${sorted.at(-1)})`
}

const databases: [name: string, make: (folder: string) => Promise<string>][] = [
  ['SQLite', async (folder) => `sqlite:${join(folder, 'start-up.db')}`],
  ['PostgreSQL', freshDatabase],
]

console.log('| storage | start | ms to the first 200 | RSS when ready, MB |')
console.log('|---|---|---|---|')
for (const [name, make] of databases) {
  const starts: [string, Start[]][] = [
    ['first', []],
    ['later', []],
  ]
  for (let run = 0; run < RUNS; run++) {
    const folder = temporaryFolder()
    const url = await make(folder)
    for (const [, all] of starts) all.push(await start(folder, url))
  }
  for (const [which, all] of starts) {
    const times = summary(all.map(({ milliseconds }) => milliseconds))
    const memory = summary(all.map(({ megabytes }) => megabytes))
    console.log(`| ${name} | ${which} | ${times} | ${memory} |`)
  }
}
process.exit(0)
