import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { scripts } from '../package.json'
import { removeFolders } from '../tests/support/folder.ts'
import { freePort } from '../tests/support/free-port.ts'
import type { PostgresServer } from '../tests/support/postgres.ts'

/** What the script that starts Taskport sets for the engine. */
export const SHIPPED: Record<string, string> = Object.fromEntries(
  [...scripts.up.matchAll(/(\w+)=(\w+)/g)].map(([, name, value]) => [name, value]),
)

process.once('exit', removeFolders)

/** Begins to count; the function it returns has the microseconds since. */
export type CpuMeter = () => () => number

export type MeasuredServer = Readonly<{
  url: string
  /** Milliseconds from its start to its first 200 on /health. */
  started: number
  /** Processor time, of its children too. */
  cpu: CpuMeter
  /** Resident memory in MB, of its children too. */
  memory(): number
  stop(): Promise<void>
}>

/** Starts a program of this folder, by `.mjs` on Node, on a free port, its output thrown away. */
export const startMeasured = async (
  args: string[],
  folder: string,
  env: Record<string, string>,
): Promise<MeasuredServer> => {
  const port = freePort()
  const url = `http://127.0.0.1:${port}`
  const [program = '', ...rest] = args
  const runtime = program.endsWith('.mjs') ? 'node' : process.execPath
  const began = performance.now()
  const child = Bun.spawn([runtime, join(import.meta.dir, program), ...rest], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', PORT: String(port), BUDGET_FACTOR: '1000000', ...env },
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const errors = new Response(child.stderr).text()
  process.once('exit', () => child.kill('SIGKILL'))
  while (!(await fetch(`${url}/health`).catch(() => undefined))?.ok) {
    if (child.exitCode !== null) throw new Error(`${program} has ended: ${await errors}`)
    if (performance.now() - began > 60_000) throw new Error(`${program} does not start`)
    await Bun.sleep(1)
  }
  const started = performance.now() - began
  return {
    url,
    started,
    cpu: cpuMeter(() => family(child.pid)),
    memory: () => sum(family(child.pid).map(memoryOf)),
    stop: async () => {
      child.kill('SIGTERM')
      await child.exited
    },
  }
}

/** Processor time of a PostgreSQL server, without the processes that serve another database than this. */
export const databaseCpu = ({ folder }: PostgresServer, database: string): CpuMeter => {
  const postmaster = readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')[0]
  const serves = (pid: number): boolean => {
    const served = /^postgres: \S+ (\S+) [\d.]+\(\d+\)/.exec(processFile(pid, 'cmdline'))?.[1]
    return served === undefined || served === database
  }
  return cpuMeter(() => family(Number(postmaster)).filter(serves))
}

/** A process that ends while it counts is left out. */
const cpuMeter =
  (pids: () => number[]): CpuMeter =>
  () => {
    const before = new Map(pids().map((pid) => [pid, cpuOf(pid)]))
    return () => sum(pids().map((pid) => cpuOf(pid) - (before.get(pid) ?? 0)))
  }

const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0)

/** A file of the kernel about a process, empty when the process has just ended. */
const processFile = (pid: number, name: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return ''
  }
}

/** The process and its children; only Linux has them, elsewhere there are none. */
export const family = (pid: number): number[] => {
  if (process.platform !== 'linux') return []
  const children = processFile(pid, `task/${pid}/children`).trim()
  return [pid, ...children.split(' ').filter(Boolean).map(Number)]
}

const MICROSECONDS_PER_TICK = 10_000

const cpuOf = (pid: number): number => {
  const fields = processFile(pid, 'stat').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * MICROSECONDS_PER_TICK
}

/** Resident memory in MB. */
export const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(processFile(pid, 'status'))?.[1] ?? 0) / 1024
