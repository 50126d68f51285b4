import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PostgresServer } from './postgres.ts'

/** Stops all processes of a server, whose kernel goes on accepting connections; returns what resumes them. */
export const freeze = ({ folder }: PostgresServer): (() => void) => {
  const file = readFileSync(join(folder, 'data/postmaster.pid'), 'utf8')
  const postmaster = Number(file.split('\n')[0])
  process.kill(postmaster, 'SIGSTOP')
  const { stdout } = Bun.spawnSync(['ps', '-o', 'pid=', '--ppid', String(postmaster)])
  const children = stdout.toString().trim().split(/\s+/).map(Number)
  const stopped = [...children, postmaster]
  for (const pid of children) process.kill(pid, 'SIGSTOP')
  return () => {
    for (const pid of stopped) process.kill(pid, 'SIGCONT')
  }
}
