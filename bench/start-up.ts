import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * How long from starting the process to its first 200 on /health, on SQLite: on a new file and on
 * one that is there. Prints the median and the range over 15 starts each, in milliseconds.
 */
const RUNS = 15
const main = join(import.meta.dir, '../src/main.ts')

const start = async (folder: string, port: number): Promise<number> => {
  const began = performance.now()
  const server = Bun.spawn([process.execPath, main], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', PORT: String(port) },
    stdout: 'ignore',
    stderr: 'ignore',
  })
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined)
    if (response?.ok) break
    await Bun.sleep(1)
  }
  const took = performance.now() - began
  server.kill('SIGTERM')
  await server.exited
  return took
}

const report = (name: string, times: number[]): void => {
  const sorted = times.toSorted((a, b) => a - b).map(Math.round)
  console.log(`${name}: median ${sorted[RUNS >> 1]} ms, from ${sorted[0]} to ${sorted.at(-1)} ms`)
}

const folders = Array.from({ length: RUNS }, () => mkdtempSync(join(tmpdir(), 'taskport-bench-')))
const fresh: number[] = []
const again: number[] = []
for (const [run, folder] of folders.entries()) {
  fresh.push(await start(folder, 18_000 + run))
  again.push(await start(folder, 18_100 + run))
  rmSync(folder, { recursive: true })
}
report('first start', fresh)
report('later start', again)
