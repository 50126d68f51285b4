import { parseArgs } from 'node:util'
import { within } from '../../tests/support/wait.ts'
import { createAttackers } from './attacks.ts'
import { type Arena, FAULTS, type Fault } from './faults.ts'
import { type Random, random } from './random.ts'
import { createReport } from './report.ts'
import { createUser, runVisitors, type User } from './user.ts'
import { openWorld, type StorageName, type World } from './world.ts'

/** See README.md in the folder above. */
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    storage: { type: 'string', default: 'both' },
    only: { type: 'string', default: '' },
  },
})
const SEED = Number(options.seed)
const STORAGES = (['sqlite', 'postgres'] as const).filter((name) =>
  ['both', name].includes(options.storage),
)
const MILLISECONDS = (Number(options.seconds) * 1000) / STORAGES.length

const USERS = ['ada', 'ben', 'cleo', 'dan', 'eve']
const CALM_MS = 4000
const FAULT_MS = [3000, 14_000] as const
const STEP_MS = 60_000
/** Everything but webhooks has to work again by then. */
const RECOVERY_MS = 10_000
/** The jobs of a killed process are taken over after 12 seconds. */
const HOOKS_MS = 25_000
const GIVE_UP_MS = 60_000
const POLL_MS = 100

/** Every fault once before one comes twice; a third of the time two at once. */
const drawing = (all: readonly Fault[], dice: Random) => {
  let bag: Fault[] = []
  const take = (kind?: Fault['kind']): Fault[] => {
    if (bag.length === 0) bag = dice.shuffled(all)
    const at = bag.findIndex((fault) => fault.kind !== kind)
    return at < 0 ? [] : bag.splice(at, 1)
  }
  return (): Fault[] => {
    const first = take()
    return dice.chance(1 / 3) ? [...first, ...take(first[0]?.kind)] : first
  }
}

type Lacks = () => Promise<string | undefined> | string | undefined

/** Waits until nothing is lacking; false, and a violation, when the limit has passed. */
const settles = async (world: World, what: string, limit: number, lacks: Lacks) => {
  const end = performance.now() + limit
  for (let left = await lacks(); left !== undefined; left = await lacks()) {
    if (performance.now() > end) {
      world.report.violate(`${what}: not recovered in ${limit / 1000} s`, left)
      return false
    }
    await Bun.sleep(POLL_MS)
  }
  return true
}

/** Without it the run cannot go on. */
const mustSettle = async (world: World, what: string, lacks: Lacks): Promise<void> => {
  if (await settles(world, what, RECOVERY_MS, lacks)) return
  const began = performance.now()
  if (!(await settles(world, `${what}, for good`, GIVE_UP_MS, lacks))) throw new Error(what)
  console.log(`  ${what}: recovered ${(performance.now() - began).toFixed(0)} ms later`)
}

const untilReady = (world: World): Promise<void> =>
  mustSettle(world, 'readiness', async () =>
    (await world.server.ready()) ? undefined : 'not ready',
  )

const recover = async (world: World, users: readonly User[]): Promise<void> => {
  const began = performance.now()
  world.phase.now = 'recovery'
  let resting = false
  void world.gate.close().then(() => {
    resting = true
  })
  const first = (find: (user: User) => ReturnType<Lacks>) => async () => {
    for (const user of users) {
      const lacking = await find(user)
      if (lacking) return `${user.name}: ${lacking}`
    }
    return undefined
  }
  await untilReady(world)
  await mustSettle(world, 'requests', () => (resting ? undefined : 'some are still under way'))
  const compared = Promise.all(users.map((user) => user.compare()))
  await within(compared, 'The lists and feeds of all users should be served.', GIVE_UP_MS)
  const streams = first(({ streamLacks }) => streamLacks())
  await settles(world, 'event streams', RECOVERY_MS, streams)
  world.report.recovered(performance.now() - began)
  const hooks = first(({ hookLacks }) => hookLacks())
  if (await settles(world, 'webhooks', HOOKS_MS, hooks)) return
  await Promise.all(users.map((user) => user.replayHook()))
  await settles(world, 'replayed webhooks', HOOKS_MS, hooks)
}

const calm = async (world: World): Promise<void> => {
  world.phase.now = 'calm'
  world.gate.open()
  await Bun.sleep(CALM_MS)
}

const disturb = async (arena: Arena, faults: readonly Fault[], time: number): Promise<void> => {
  const names = faults.map(({ name }) => name).join(' + ')
  console.log(`  ${new Date().toISOString().slice(11, 19)} ${names}`)
  arena.report.during(names)
  arena.phase.now = 'fault'
  for (const { name, begin } of faults) await within(begin(arena), `${name} begins`, STEP_MS)
  await Bun.sleep(time)
  for (const { name, end } of faults.toReversed()) await within(end(), `${name} ends`, STEP_MS)
}

const run = async (world: World): Promise<void> => {
  const randomFor = (name: string): Random => random(SEED, `${world.storage} ${name}`)
  await untilReady(world)
  const users: User[] = []
  const stranger = () => world.random.pick(users)?.pick()
  for (const name of USERS) users.push(await createUser(world, randomFor(name), name, stranger))
  const attackers = await createAttackers(
    world,
    users.map(({ email }) => email),
  )
  void runVisitors(world, randomFor('visitors'))
  const possible = FAULTS.filter(({ applies }) => applies(world))
  const left = FAULTS.filter((fault) => !possible.includes(fault))
  if (left.length > 0) console.log(`  left out: ${left.map(({ name }) => name).join(', ')}`)
  const only = options.only.split(',').filter(Boolean)
  const wanted = possible.filter(({ name }) => only.length === 0 || only.includes(name))
  const dice = randomFor('faults')
  const draw = drawing(wanted, dice)
  const end = Date.now() + MILLISECONDS
  for (;;) {
    await recover(world, users)
    await calm(world)
    if (Date.now() > end) return
    await attackers.refresh()
    await disturb({ ...world, attackers }, draw(), dice.between(...FAULT_MS))
  }
}

let failures = 0
let current: World | undefined

const interrupt = async (): Promise<void> => {
  await current?.close()
  process.exit(130)
}
process.once('SIGINT', interrupt)
process.once('SIGTERM', interrupt)

const chaos = async (storage: StorageName): Promise<void> => {
  console.log(`${storage}, seed ${SEED}`)
  const report = createReport(storage)
  const world = await openWorld(storage, random(SEED, storage), report)
  current = world
  await run(world).catch((error) => {
    if (!world.over.aborted) report.violate('the run was given up', `${error?.stack}`)
  })
  await world.close()
  current = undefined
  failures += report.print()
}

for (const storage of STORAGES) await chaos(storage)
const verdict = failures === 0 ? 'No rule was violated.' : `${failures} rules were violated.`
console.log(`${verdict} Repeat with --seed ${SEED} --storage ${options.storage}.`)
process.exit(failures === 0 ? 0 : 1)
