import { join } from 'node:path'
import { family, memoryOf, SHIPPED } from '../servers.ts'
import type { Report } from './report.ts'

const MAIN = join(import.meta.dir, '../../src/main.ts')
const RESTART_MS = 300
const STOP_MS = 20_000
const SAMPLE_MS = 500

const SUSPICIOUS = /uncaught|unhandled|panic|segmentation|(Type|Reference|Range)Error/i

export type ServerOptions = Readonly<{
  url: string
  folder: string
  env: Record<string, string>
  /** What comes before the program and its arguments. */
  wrapper: readonly string[]
  report: Report
}>

/** `src/main.ts` under watch: started again whenever it ends, which only `kill` may bring about. */
export const runServer = ({ url, folder, env, wrapper, report }: ServerOptions) => {
  const killed = new Set<number>()
  let stopping = false

  const judgeLine = (line: string): void => {
    if (SUSPICIOUS.test(line)) report.violate('suspicious log line', line)
    const { msg, pid, status, error } = line.startsWith('{') ? JSON.parse(line) : {}
    if (msg === 'worker died' && !killed.has(pid)) report.violate('a worker died by itself', line)
    if (msg === 'request failed' && status === 500) {
      report.violate(`500 in the log: ${error?.message ?? 'no error'}`, line)
    }
  }

  const watch = async (output: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of output) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) judgeLine(line)
    }
  }

  const kill = (pid: number): void => {
    killed.add(pid)
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has just ended.
    }
  }

  const launch = (): Bun.Subprocess => {
    const started = Bun.spawn([...wrapper, process.execPath, MAIN], {
      cwd: folder,
      env: {
        ...{ PATH: process.env['PATH'] ?? '', PORT: new URL(url).port, LOG_LEVEL: 'error' },
        ...SHIPPED,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    void watch(started.stdout)
    void watch(started.stderr)
    void started.exited.then(async (code) => {
      if (!stopping && !killed.has(started.pid)) {
        report.violate('the server ended by itself', `code ${code}, signal ${started.signalCode}`)
      }
      await Bun.sleep(RESTART_MS)
      if (!stopping) child = launch()
    })
    return started
  }
  let child = launch()
  const pids = (): number[] => family(child.pid)
  const killAll = (): void => pids().forEach(kill)
  const sampling = setInterval(() => {
    for (const pid of pids()) report.memory(memoryOf(pid))
  }, SAMPLE_MS)
  process.once('exit', killAll)

  return {
    /** The first process, and its workers. */
    pids,
    kill,
    killAll,
    ready: (): Promise<boolean> =>
      fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) }).then(
        ({ ok }) => ok,
        () => false,
      ),
    stop: async (): Promise<void> => {
      clearInterval(sampling)
      stopping = true
      child.kill('SIGTERM')
      const code = await Promise.race([child.exited, Bun.sleep(STOP_MS)])
      if (code !== 0) report.violate('it does not stop in order', `code ${code}`)
      killAll()
    },
  }
}
