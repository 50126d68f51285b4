import { Database } from 'bun:sqlite'
import { describe, expect, setDefaultTimeout, spyOn, test } from 'bun:test'
import { join } from 'node:path'
import postgres from 'postgres'
import { cookieOf, openAccounts } from './support/accounts.ts'
import { freshCitusDatabase } from './support/citus.ts'
import { hasCitus } from './support/citus-binaries.ts'
import { temporaryFolder } from './support/folder.ts'
import { freshDatabase } from './support/postgres.ts'
import { PASSWORD } from './support/server.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(60_000)

const STORAGES = {
  SQLite: async () => ({ kind: 'sqlite', path: join(temporaryFolder(), 'auth.db') }) as const,
  PostgreSQL: async () => ({ kind: 'postgres', url: await freshDatabase() }) as const,
}
const ALL_STORAGES = {
  ...STORAGES,
  ...(hasCitus && {
    Citus: async () => ({ kind: 'postgres', url: await freshCitusDatabase() }) as const,
  }),
}

const expectUnavailable = (response: Response): void => {
  expect(response.status).toBe(503)
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
}

describe.each(Object.entries(ALL_STORAGES))('on %s', (_, storage) => {
  test('sessions are read while sign-ups wait for their password hashes', async () => {
    const { call, signUp, close } = await openAccounts({ storage: await storage() })
    const cookie = cookieOf(await signUp('ada@example.com'))
    let waiting = 8
    const signUps = Array.from({ length: waiting }, async (_, n) => {
      const { status } = await signUp(`person-${n}@example.com`)
      waiting--
      return status
    })
    expect((await call('GET', '/token', { cookie })).status).toBe(200)
    expect(waiting).toBeGreaterThan(5)
    expect(await Promise.all(signUps)).toEqual(Array(8).fill(200))
    await close()
  })

  test('a deletion that failed between tasks and account can be repeated', async () => {
    const where = await storage()
    const deleted: string[] = []
    let fault = async (): Promise<void> => {}
    const onDelete = async (userId: string): Promise<void> => {
      deleted.push(userId)
      await fault()
    }
    const { call, signIn, signUp, close } = await openAccounts({ storage: where, onDelete })
    const cookie = cookieOf(await signUp('ada@example.com'))
    const remove = () => call('POST', '/delete-user', { body: { password: PASSWORD }, cookie })

    const table = where.kind === 'sqlite' ? 'account' : 'taskport_identity.account'
    fault = () => execute(where, REFUSE_DELETION[where.kind](table))
    expect((await remove()).status).toBe(500)
    expect((await call('GET', '/token', { cookie })).status).toBe(200)
    expect((await signIn('ada@example.com')).status).toBe(200)

    fault = () => execute(where, ALLOW_DELETION[where.kind](table))
    expect((await remove()).status).toBe(200)
    expect(new Set(deleted).size).toBe(1)
    expect(deleted).toHaveLength(2)
    expect((await signIn('ada@example.com')).status).toBe(401)
    expect((await call('GET', '/token', { cookie })).status).toBe(401)
    expect((await signUp('ada@example.com')).status).toBe(200)
    await close()
  })
})

type Where = Awaited<ReturnType<(typeof STORAGES)[keyof typeof STORAGES]>>

const execute = async (where: Where, statements: string): Promise<void> => {
  if (where.kind === 'sqlite') {
    const database = new Database(where.path)
    database.run(statements)
    return database.close()
  }
  const sql = postgres(where.url, { max: 1, onnotice: () => {} })
  await sql.unsafe(statements).finally(() => sql.end())
}

const REFUSE_DELETION = {
  sqlite: (table: string) =>
    `create trigger kept before delete on ${table} begin select raise(abort, 'kept'); end`,
  postgres: (table: string) => `
    create function kept() returns trigger language plpgsql as $$ begin raise 'kept'; end $$;
    create trigger kept before delete on ${table} for each row execute function kept()`,
}

const ALLOW_DELETION = {
  sqlite: (_: string) => 'drop trigger kept',
  postgres: (table: string) => `drop trigger kept on ${table}`,
}

describe('on PostgreSQL', () => {
  test('of sign-ups at once with one address in two processes, one succeeds', async () => {
    const where = await STORAGES.PostgreSQL()
    const processes = await Promise.all([1, 2].map(() => openAccounts({ storage: where })))
    for (let round = 0; round < 4; round++) {
      const address = `person-${round}@example.com`
      const responses = await Promise.all(processes.map(({ signUp }) => signUp(address)))
      expect(responses.map(({ status }) => status).sort()).toEqual([200, 422])
      expect(await responses.find(({ ok }) => !ok)?.json()).toMatchObject({
        detail: 'An account with this email address exists. Sign in instead.',
      })
    }
    await Promise.all(processes.map(({ close }) => close()))
  })

  test('a read-only standby: sessions are read, nothing is written, until it is promoted', async () => {
    const where = await STORAGES.PostgreSQL()
    const { call, signIn, signUp, close } = await openAccounts({ storage: where })
    const cookie = cookieOf(await signUp('ada@example.com'))
    const name = new URL(where.url).pathname.slice(1)
    const setReadOnly = (value: 'on' | 'off') =>
      execute(
        where,
        `set transaction read write;
        alter database ${name} set default_transaction_read_only = ${value}`,
      )
    await setReadOnly('on')
    await execute(
      where,
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`,
    )
    expect((await call('GET', '/token', { cookie })).status).toBe(200)
    expect((await call('GET', '/get-session', { cookie })).status).toBe(200)
    expectUnavailable(await signIn('ada@example.com'))
    expectUnavailable(await signUp('bob@example.com'))
    expectUnavailable(await call('POST', '/sign-out', { cookie }))

    await setReadOnly('off')
    await eventually(async () => (await signIn('ada@example.com')).ok, 'a sign-in')
    expect((await signUp('bob@example.com')).status).toBe(200)
    await close()
  })

  test('a session that does not exist is 401 while another request meets an outage', async () => {
    const url = await freshDatabase()
    const { call, signIn, signUp, close } = await openAccounts({
      storage: { kind: 'postgres', url },
    })
    const live = cookieOf(await signUp('ada@example.com'))
    const dead = cookieOf(await signIn('ada@example.com'))
    expect((await call('POST', '/sign-out', { cookie: dead })).status).toBe(200)

    const holder = postgres(url, { max: 1 })
    const responses = await holder.begin(async (sql) => {
      await sql`lock table taskport_identity.account`
      const pending = signIn('ada@example.com')
      const refused = await call('GET', '/token', { cookie: dead })
      expect(Bun.peek.status(pending)).toBe('pending')
      return { met: await pending, refused }
    })
    expectUnavailable(responses.met)
    expect(responses.refused.status).toBe(401)
    expect((await call('GET', '/token', { cookie: live })).status).toBe(200)
    await holder.end()
    await close()
  })
})

describe('on SQLite', () => {
  test.each([
    ['full', 'pragma max_page_count = 1', 'pragma max_page_count = 1000000'],
    ['read-only', 'pragma query_only = on', 'pragma query_only = off'],
  ])('a disk that is %s', async (_, begin, end) => {
    const opened = spyOn(Database.prototype, 'run')
    const { call, signIn, signUp, close } = await openAccounts({ storage: await STORAGES.SQLite() })
    const [database] = opened.mock.contexts as Database[]
    opened.mockRestore()
    const cookie = cookieOf(await signUp('ada@example.com'))

    database?.run(begin)
    let response = await signIn('ada@example.com')
    while (response.ok) response = await signIn('ada@example.com')
    expectUnavailable(response)
    expect((await call('GET', '/token', { cookie })).status).toBe(200)
    expectUnavailable(await signUp('bob@example.com'))

    database?.run(end)
    expect((await signIn('ada@example.com')).status).toBe(200)
    expect((await signUp('bob@example.com')).status).toBe(200)
    await close()
  })
})
