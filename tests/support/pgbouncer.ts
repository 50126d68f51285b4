import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { unprivilegedUser } from './unprivileged-user.ts'
import { eventually, within } from './wait.ts'

/** Ends with the test run, however that ends. */
const GUARD = `
trap '' INT TERM HUP
start() { "$PGBOUNCER" -q "$FOLDER/pgbouncer.ini" 2>/dev/null & pooler=$!; }
end() { kill -$1 $pooler; wait $pooler; }
start
while read -r _; do end KILL; start; echo done; done
end TERM
rm -rf "$FOLDER"
`

export type PgBouncer = Readonly<{
  /** Of a database of the server, through the pooler. */
  through(url: string): string
  /** With \`kill -9\`. */
  restart(): Promise<void>
  close(): Promise<void>
}>

/** Debian's package `pgbouncer`, in front of the server of `url`, with so many sessions for each database. */
export const pgBouncer = async (
  url: string,
  mode: 'session' | 'transaction',
  sessions = 4,
): Promise<PgBouncer> => {
  const program = Bun.which('pgbouncer', { PATH: `${process.env['PATH']}:/usr/sbin` })
  if (!program) throw new Error('The tests need PgBouncer. Install it: apt-get install pgbouncer.')
  const { hostname, port: serverPort, username, password } = new URL(url)
  const port = freePort()
  const folder = mkdtempSync(join(tmpdir(), 'taskport-pgbouncer-'))
  chmodSync(folder, 0o777)
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${hostname} port=${serverPort} user=${username}${password && ` password=${password}`}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${sessions}
max_client_conn = 500
server_idle_timeout = 1
`,
  )
  const guard = Bun.spawn(['/bin/sh', '-c', GUARD], {
    ...unprivilegedUser(),
    cwd: folder,
    env: { PGBOUNCER: program, FOLDER: folder, PATH: process.env['PATH'] ?? '' },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  guard.unref()
  const answers = guard.stdout.getReader()
  const listens = async (): Promise<boolean> => {
    const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data: () => {} } })
    socket.end()
    return true
  }
  await eventually(listens, 'PgBouncer did not start.')
  return {
    through: (direct) => {
      const pooled = new URL(direct)
      pooled.port = String(port)
      return pooled.href
    },
    restart: async () => {
      guard.stdin.write('restart\n')
      await guard.stdin.flush()
      await within(answers.read(), 'PgBouncer did not end.')
      await eventually(listens, 'PgBouncer did not start again.')
    },
    close: async () => {
      await guard.stdin.end()
      await within(guard.exited, 'PgBouncer did not end.')
    },
  }
}
