import { parseArgs } from 'node:util'
import { temporaryFolder } from '../tests/support/folder.ts'
import { type Figure, writeFigures } from './chart.ts'
import { openPostgres, openSqlite, type Peer, type Peers } from './peers.ts'
import { expectSameAnswers } from './same-answers.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { type LoadResult, load } from './wrk.ts'

/** See README.md in this folder. */
const { values: options } = parseArgs({
  options: {
    storage: { type: 'string', default: 'postgres,sqlite' },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    mixed: { type: 'string', default: '500000' },
    'fastify-times': { type: 'string', default: 'timestamptz' },
  },
})
const ROUNDS = Number(options.rounds)
const SECONDS = Number(options.seconds)
const FASTIFY_TIMES = options['fastify-times'] === 'text' ? 'text' : 'timestamptz'
const WARM_UP_SECONDS = 1

const folder = temporaryFolder()

/** Microseconds of processor time for each request, in the server and in the database. */
type Measured = LoadResult & Readonly<{ serverCpu: number; databaseCpu: number }>

const measure = async (peer: Peer, scenario: Scenario, seconds: number): Promise<Measured> => {
  const requests = scenario.requests[peer.name] ?? []
  const [serverCpu, databaseCpu] = [peer.server.cpu(), peer.databaseCpu()]
  const { connections } = scenario
  const result = await load(peer.server.url, requests, { connections, seconds, folder })
  return {
    ...result,
    serverCpu: serverCpu() / result.answers,
    databaseCpu: databaseCpu() / result.answers,
  }
}

const median = (all: number[]): number =>
  all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN

const isCounted = ({ name, counts }: Peer, { requests, creates }: Scenario): boolean =>
  counts === 'tasks' ? creates : (requests[name] ?? []).some(({ method }) => method !== 'GET')

/** Throws unless as much was written as acknowledged, but for what was under way when a load ended. */
const expectWritten = async (
  { name, count }: Peer,
  scenario: Scenario,
  before: number,
  rounds: readonly Measured[],
): Promise<void> => {
  const acknowledged = rounds.reduce((sum, { written }) => sum + written, 0)
  const seen = (await count()) - before
  const underWay = rounds.length * scenario.connections
  if (seen >= acknowledged && seen <= acknowledged + underWay) return
  throw new Error(
    `${scenario.name} of ${name}: ${acknowledged} changes were acknowledged, ${seen} are there`,
  )
}

/** All rounds of a peer; the first one warms up and is left out. */
type Rounds = Readonly<{ peer: Peer; rounds: Measured[] }>

/** The peers by turns, each round begun by another. */
const runRounds = async (peers: readonly Peer[], scenario: Scenario): Promise<Rounds[]> => {
  const all = peers
    .filter(({ name }) => scenario.requests[name])
    .map((peer): Rounds => ({ peer, rounds: [] }))
  const counted = all.filter(({ peer }) => isCounted(peer, scenario))
  const before = new Map<Peer, number>()
  for (const { peer } of counted) before.set(peer, await peer.count())
  for (let round = 0; round <= ROUNDS; round++) {
    const first = round % all.length
    for (const { peer, rounds } of [...all.slice(first), ...all.slice(0, first)]) {
      rounds.push(await measure(peer, scenario, round === 0 ? WARM_UP_SECONDS : SECONDS))
    }
  }
  for (const { peer, rounds } of counted) {
    await expectWritten(peer, scenario, before.get(peer) ?? 0, rounds)
  }
  return all.map(({ peer, rounds }) => ({ peer, rounds: rounds.slice(1) }))
}

const ratiosOf = (own: readonly Measured[], other: readonly Measured[]): number[] =>
  own.map(({ perSecond }, n) => perSecond / (other[n]?.perSecond ?? Number.NaN))

const ratioOf = (own: readonly Measured[], other: readonly Measured[]): string => {
  const ratios = ratiosOf(own, other)
  return `**${median(ratios).toFixed(2)}** (${ratios.map((ratio) => ratio.toFixed(2)).join(' ')})`
}

const hundredths = (value: number): number => Number(value.toFixed(2))

const figureOf = ({ name }: Scenario, [own, ...others]: readonly Rounds[]): Figure => ({
  scenario: name,
  perSecond: Math.round(median(own?.rounds.map(({ perSecond }) => perSecond) ?? [])),
  ratios: Object.fromEntries(
    others.map(({ peer, rounds }) => [
      peer.name,
      hundredths(median(ratiosOf(own?.rounds ?? [], rounds))),
    ]),
  ),
})

const line = (cells: readonly (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`)

const row = (scenario: Scenario, peers: readonly Peer[], all: readonly Rounds[]): void => {
  const roundsOf = ({ name }: Peer): Measured[] | undefined =>
    all.find(({ peer }) => peer.name === name)?.rounds
  const [own, ...others] = peers.map(roundsOf)
  const cells = (text: (rounds: Measured[]) => string): string[] =>
    [own, ...others].map((rounds) => (rounds ? text(rounds) : ''))
  const of = (rounds: Measured[], name: keyof Measured): number =>
    median(rounds.map((one) => one[name]))
  line([
    scenario.name,
    scenario.connections,
    ...cells((rounds) => of(rounds, 'perSecond').toFixed(0)),
    ...others.map((other) => (own && other ? ratioOf(own, other) : '')),
    ...cells((rounds) => `${of(rounds, 'p50').toFixed(2)} / ${of(rounds, 'p99').toFixed(2)}`),
    ...cells((rounds) =>
      ['serverCpu', 'databaseCpu']
        .map((name) => of(rounds, name as keyof Measured).toFixed(0))
        .join(' + '),
    ),
  ])
}

/** Returns the figures of the scenarios with many connections. */
const run = async (storage: string, { users, peers }: Peers): Promise<Figure[]> => {
  const figures: Figure[] = []
  await expectSameAnswers(peers)
  const names = peers.map(({ name }) => name)
  const [, ...others] = names
  console.log(`\n### ${storage}\n`)
  const head = [
    'scenario',
    'connections',
    ...names.map((name) => `${name}: req/s`),
    ...others.map((name) => `to ${name}, median (rounds)`),
    ...names.map((name) => `${name}: p50 / p99 ms`),
    ...names.map((name) => `${name}: CPU µs, server + database`),
  ]
  line(head)
  line(head.map(() => '---'))
  for (const scenario of scenarios(users)) {
    if (options.only && !options.only.split(',').includes(scenario.name)) continue
    const rounds = await runRounds(peers, scenario)
    row(scenario, peers, rounds)
    if (scenario.connections > 1) figures.push(figureOf(scenario, rounds))
  }
  console.log('')
  for (const { name, server } of peers) {
    const [memory, started] = [server.memory().toFixed(0), server.started.toFixed(0)]
    console.log(`${name}: ${memory} MB after this, ${started} ms from start to the first answer.`)
  }
  return figures
}

/** Memory over many mixed requests, after as long a warm-up. */
const endure = async ({ users, peers }: Peers): Promise<void> => {
  const mixed = scenarios(users).find(({ name }) => name === 'mixed')
  const [taskport] = peers
  if (!mixed || !taskport) return
  const wanted = Number(options.mixed)
  const through = async (count: number): Promise<number> => {
    let done = 0
    let most = 0
    while (done < count) {
      done += (await measure(taskport, mixed, 5)).answers
      most = Math.max(most, taskport.server.memory())
    }
    return most
  }
  const before = await through(wanted / 5)
  const after = await through(wanted)
  console.log(
    `Memory at most: ${before.toFixed(0)} MB in the first ${wanted / 5} mixed requests, ` +
      `${after.toFixed(0)} MB in ${wanted} more (${(after / before).toFixed(2)} times).`,
  )
}

const figures: Record<string, readonly Figure[]> = {}
for (const [storage, open] of [
  ['postgres', () => openPostgres(folder, FASTIFY_TIMES)],
  ['sqlite', () => openSqlite(folder)],
] as const) {
  if (!options.storage.split(',').includes(storage)) continue
  const peers = await open()
  figures[storage] = await run(storage, peers)
  if (Number(options.mixed) > 0) await endure(peers)
  await peers.close()
}
if (!options.only && Object.keys(figures).length === 2) await writeFigures(figures)
process.exit(0)
