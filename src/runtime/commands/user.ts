import type { User } from '../../adapters/identity/administration.ts'
import { DomainError } from '../../domain/errors.ts'
import { readConfig } from '../config.ts'
import { openStorage } from '../storage.ts'
import { withAccounts } from './accounts.ts'
import { commandLog } from './log.ts'

export const listUsers = (): Promise<void> =>
  withAccounts(readConfig(process.env), async ({ users }) => {
    for await (const user of users()) process.stdout.write(line(user))
  })

const line = ({ email, name, id, createdAt }: User): string => {
  const fields = [email, name, id, createdAt.toISOString()]
  return `${fields.map((field) => field.replace(/\p{Cc}/gu, ' ')).join('\t')}\n`
}

export type NewUserOptions = Readonly<{ name?: string; passwordStdin?: boolean }>

/** The same rules hold as for a sign-up. */
export const createUser = async (
  email: string,
  { name = email.replace(/@.*/, ''), passwordStdin = false }: NewUserOptions,
): Promise<void> => {
  const password = passwordStdin ? await readPassword() : newPassword()
  const { readRegistration } = await import('../../adapters/http/accounts/bodies.ts')
  await readRegistration({ email, name, password }).catch(explain)
  await withAccounts(readConfig(process.env), ({ create }) => create({ email, name, password }))
  process.stdout.write(passwordStdin ? `Created ${email}.\n` : `${password}\n`)
}

/** 120 bits. */
const newPassword = (): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('base64url')

const readPassword = async (): Promise<string> =>
  (await new Response(Bun.stdin.stream()).text()).replace(/\r?\n$/, '')

const explain = (error: unknown): never => {
  if (!(error instanceof DomainError)) throw error
  const { issues, message } = error
  throw new Error(issues.map(({ field, detail }) => `${field} ${detail}`).join(' ') || message)
}

/** A server may run meanwhile. */
export const printResetLink = (email: string): Promise<void> =>
  withAccounts(readConfig(process.env), async ({ resetLink }) => {
    process.stdout.write(`${await resetLink(email)}\n`)
  })

/** With SQLite no server may run. */
export const deleteUser = async (email: string, confirmed: boolean): Promise<void> => {
  const config = readConfig(process.env)
  await withAccounts(config, async (accounts) => {
    const { id } = await accounts.find(email)
    if (!confirmed) {
      throw new Error(`This deletes ${email} and all its tasks for good. Repeat it with --yes.`)
    }
    const { promise: refused, reject } = Promise.withResolvers<never>()
    const storage = await openStorage(config.storage, commandLog, reject)
    try {
      const deleted = storage.tasks.deleteAccount(id, new Date().toISOString())
      await Promise.race([deleted, refused])
      await accounts.delete(id)
    } finally {
      await storage.close()
    }
  })
  process.stdout.write(`Deleted ${email} and all its tasks.\n`)
}
