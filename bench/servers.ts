import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { scripts } from '../package.json'
import { freePort } from '../tests/support/free-port.ts'

/** What the script that starts Taskport sets for the engine. */
export const SHIPPED: Record<string, string> = Object.fromEntries(
  [...scripts.up.matchAll(/(\w+)=(\w+)/g)].map(([, name, value]) => [name, value]),
)

export type MeasuredServer = Readonly<{
  url: string
  /** Milliseconds from its start to its first 200 on /health. */
  started: number
  /** Microseconds of processor time so far, of its children too. */
  cpu(): number
  /** Resident memory in MB, of its children too. */
  memory(): number
  stop(): Promise<void>
}>

/** Starts a program of this project on a free port, its output thrown away. */
export const startMeasured = async (
  args: string[],
  folder: string,
  env: Record<string, string>,
): Promise<MeasuredServer> => {
  const port = freePort()
  const url = `http://127.0.0.1:${port}`
  const began = performance.now()
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, args[0] ?? ''), ...args.slice(1)],
    {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', PORT: String(port), ...env },
      stdout: 'ignore',
      stderr: 'ignore',
    },
  )
  process.once('exit', () => child.kill('SIGKILL'))
  while (!(await fetch(`${url}/health`).catch(() => undefined))?.ok) {
    if (child.exitCode !== null) throw new Error(`${args[0]} has ended`)
    await Bun.sleep(2)
  }
  const started = performance.now() - began
  return {
    url,
    started,
    cpu: () => sum(family(child.pid).map(cpuOf)),
    memory: () => sum(family(child.pid).map(memoryOf)),
    stop: async () => {
      child.kill('SIGTERM')
      await child.exited
    },
  }
}

const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0)

/** The process and its children; Linux tells, other systems are not asked. */
const family = (pid: number): number[] => {
  if (process.platform !== 'linux') return []
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...children.split(' ').filter(Boolean).map(Number)]
}

const MICROSECONDS_PER_TICK = 10_000

const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK
}

const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
