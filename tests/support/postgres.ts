import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { freePort } from './free-port.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { unprivilegedUser } from './unprivileged-user.ts'
import { within } from './wait.ts'

export type PostgresServer = Readonly<{
  /** Where its data and log are. */
  folder: string
  /** A superuser's URL of its first database. */
  url: string
  /** Ends it as a crash would, without a checkpoint; with `kill -9`; or as a restart does. */
  stop(mode?: 'crash' | 'kill' | 'fast'): Promise<void>
  /** On the same port, with what was committed. */
  start(): Promise<void>
  /** Stops it for good and removes its folder. */
  close(): Promise<void>
}>

/**
 * Owns the server: does what it is told line by line, and ends and removes everything when nobody
 * can tell it any more, however the test run ended.
 */
const GUARD = `
trap '' INT TERM HUP
start() { "$BINARIES/postgres" -D "$FOLDER/data" $SETTINGS >>"$FOLDER/log" 2>&1 </dev/null & server=$!; }
end() { kill -$1 $server 2>/dev/null; wait $server 2>/dev/null; }
while read -r command; do
  case $command in start) start ;; crash) end QUIT ;; kill) end KILL ;; fast) end INT ;; esac
  echo done
done
end INT
rm -rf "$FOLDER"
`

export type ServerFiles = Readonly<{
  tls?: Readonly<{ key: string; cert: string }>
  /** Lines that come before its own in `pg_hba.conf`. */
  access?: readonly string[]
  /** Begins with the data of this server, which is stopped, and follows it as a standby. */
  primary?: PostgresServer
  /** The folder of `initdb` and `postgres`, where they are not those of all tests. */
  binaries?: string
}>

/** A server of one's own, in a new folder and on a free port; `own` settings come before ours. */
export const privateServer = async (
  own: Record<string, string | number> = {},
  { tls, access = [], primary, ...files }: ServerFiles = {},
): Promise<PostgresServer> => {
  const user = unprivilegedUser()
  const folder = mkdtempSync(join(tmpdir(), 'taskport-postgres-'))
  chmodSync(folder, 0o755)
  const binaries = files.binaries ?? postgresBinaries(folder)
  for (const [name, text] of Object.entries(tls ?? {})) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  if (user) Bun.spawnSync(['chown', '-R', `${user.uid}:${user.gid}`, folder])
  const make = primary ? copyOf(primary, folder) : initialiseIn(folder, binaries)
  const made = Bun.spawnSync(make, { ...user, cwd: folder, stdout: 'ignore', stderr: 'pipe' })
  if (!made.success) throw new Error(`The data folder was not made: ${made.stderr}`)

  const rules = join(folder, 'data/pg_hba.conf')
  writeFileSync(rules, [...access, readFileSync(rules, 'utf8')].join('\n'))
  const port = freePort()
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    timezone: 'Asia/Kolkata',
    fsync: 'off',
    full_page_writes: 'off',
    ...(tls && {
      ssl: 'on',
      ssl_key_file: join(folder, 'key'),
      ssl_cert_file: join(folder, 'cert'),
    }),
    ...(primary && { primary_conninfo: primary.url }),
    ...own,
  }
  const guard = Bun.spawn(['/bin/sh', '-c', GUARD], {
    ...user,
    cwd: folder,
    env: {
      BINARIES: binaries,
      FOLDER: folder,
      PATH: process.env['PATH'] ?? '',
      SETTINGS: Object.entries(settings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
    },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  guard.unref()
  const answers = guard.stdout.getReader()
  const tell = async (command: 'start' | 'crash' | 'kill' | 'fast'): Promise<void> => {
    guard.stdin.write(`${command}\n`)
    await guard.stdin.flush()
    await within(answers.read(), `PostgreSQL did not ${command}.`, 60_000)
  }
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const start = async (): Promise<void> => {
    await tell('start')
    await answering(url, () => readFileSync(join(folder, 'log'), 'utf8').slice(-2000))
  }
  const close = async (): Promise<void> => {
    await guard.stdin.end()
    await within(guard.exited, 'PostgreSQL did not end.', 60_000)
  }
  await start()
  return { folder, url, stop: (mode = 'crash') => tell(mode), start, close }
}

const initialiseIn = (folder: string, binaries: string): string[] => [
  join(binaries, 'initdb'),
  ...['-D', join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'],
  ...['--locale=C', '--no-sync'],
]

const copyOf = (primary: PostgresServer, folder: string): string[] => {
  const data = join(folder, 'data')
  const script = 'cp -R "$1" "$2" && rm -f "$2/postmaster.pid" && touch "$2/standby.signal"'
  return ['/bin/sh', '-c', script, 'sh', join(primary.folder, 'data'), data]
}

let shared: Promise<string> | undefined
const databases: string[] = []

/** A new, empty database of its own, on one server for the whole test run. */
export const freshDatabase = async (): Promise<string> => {
  shared ??= process.env['TEST_DATABASE_URL']
    ? Promise.resolve(process.env['TEST_DATABASE_URL'])
    : privateServer().then(({ url }) => url)
  const server = await shared
  const name = `taskport_test_${Bun.randomUUIDv7().replaceAll('-', '')}`
  await administer(server, (sql) => sql.unsafe(`create database ${name}`))
  databases.push(name)
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

/** For a server that goes on after the tests. */
export const dropDatabases = async (): Promise<void> => {
  const server = process.env['TEST_DATABASE_URL']
  if (!server) return
  for (const name of databases.splice(0)) {
    await administer(server, (sql) => sql.unsafe(`drop database ${name} with (force)`))
  }
}

export const administer = async (
  url: string,
  step: (sql: postgres.Sql) => Promise<unknown>,
): Promise<void> => {
  const sql = postgres(url, { max: 1, prepare: false, connect_timeout: 5, onnotice: () => {} })
  try {
    await step(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

const answering = async (url: string, log: () => string): Promise<void> => {
  for (const end = Date.now() + 30_000; ; await Bun.sleep(20)) {
    try {
      return await administer(url, (sql) => sql`select 1`)
    } catch (error) {
      if (Date.now() > end)
        throw new Error(`PostgreSQL does not start:\n${log()}`, { cause: error })
    }
  }
}
