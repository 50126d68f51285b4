import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { openAccounts } from './support/accounts.ts'
import { temporaryFolder } from './support/folder.ts'
import { json } from './support/http.ts'
import { freshDatabase } from './support/postgres.ts'
import { PASSWORD } from './support/server.ts'

setDefaultTimeout(60_000)

const STORAGES = {
  SQLite: async () => ({ kind: 'sqlite', path: join(temporaryFolder(), 'auth.db') }) as const,
  PostgreSQL: async () => ({ kind: 'postgres', url: await freshDatabase() }) as const,
}

const CLOSED = {
  type: 'urn:taskport:problem:sign-up-closed',
  title: 'Sign-up closed',
  status: 403,
  detail: 'No one can sign up here. Ask the operator of this server for an account.',
}

describe.each(Object.entries(STORAGES))('on %s', (_, storage) => {
  test('SIGN_UP=closed: no one signs up, those with an account sign in', async () => {
    const accounts = await openAccounts({ storage: await storage(), signUp: 'closed' })
    const { call, signIn, signUp, users } = accounts
    expect(await json(signUp('ada@example.com'))).toMatchObject(CLOSED)
    expect((await json(call('GET', '/methods'))).signUp).toBe(false)
    await users.create({ name: 'Ada', email: 'ada@example.com', password: PASSWORD })
    expect((await signIn('ada@example.com')).status).toBe(200)
    expect(await json(signUp('ada@example.com'))).toMatchObject(CLOSED)
    await accounts.close()
  })

  test('SIGN_UP=first: one account, and another when there is none any more', async () => {
    const accounts = await openAccounts({ storage: await storage(), signUp: 'first' })
    const { call, signUp, users } = accounts
    const open = async () => (await json(call('GET', '/methods'))).signUp
    expect(await open()).toBe(true)
    expect((await signUp('ada@example.com')).status).toBe(200)
    expect(await open()).toBe(false)
    expect(await json(signUp('bob@example.com'))).toMatchObject(CLOSED)
    await users.delete('ada@example.com')
    expect((await signUp('bob@example.com')).status).toBe(200)
    await accounts.close()
  })

  test.each([
    ['without mail', undefined],
    ['with mail', () => {}],
  ])('SIGN_UP=first: of people who sign up at once, one is the first, %s', async (_, sendMail) => {
    const where = await storage()
    const options = { storage: where, signUp: 'first', ...(sendMail && { sendMail }) } as const
    const processes = await Promise.all(
      Array.from({ length: where.kind === 'postgres' ? 3 : 1 }, () => openAccounts(options)),
    )
    const [first] = processes
    for (let round = 0; round < 3; round++) {
      const responses = await Promise.all(
        Array.from({ length: 6 }, (_, n) =>
          processes[n % processes.length]?.signUp(`person-${n}@example.com`),
        ),
      )
      expect(responses.map((response) => response?.status).sort()).toEqual([
        200,
        ...Array(5).fill(403),
      ])
      const [winner, ...others] = (await first?.users.list()) ?? []
      expect(others).toEqual([])
      await first?.users.delete(winner?.email ?? '')
    }
    await Promise.all(processes.map(({ close }) => close()))
  })
})
