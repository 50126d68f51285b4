import { DomainError } from '../../domain/errors.ts'
import type { OpenAuth } from './auth.ts'
import { passwords } from './passwords.ts'

export type User = Readonly<{ id: string; email: string; name: string; createdAt: Date }>

export type NewUser = Readonly<{ email: string; name: string; password: string }>

/** For the operator. Every method throws `unavailable` while the database cannot be reached. */
export type Administration = Readonly<{
  /** In order of sign-up. */
  users(): AsyncIterable<User>
  /** Throws `not-found`. */
  find(email: string): Promise<User>
  /** Whether sign-up is open or not, with a verified address. Throws `invalid` if it has an account. */
  create(user: NewUser): Promise<User>
  /** Deletes the account itself and nothing else of the user. */
  delete(id: string): Promise<void>
  /** A link that sets a new password once, within an hour. Throws `not-found`. */
  resetLink(email: string): Promise<string>
  /** A token as the user would get it. */
  issueToken(userId: string): Promise<string>
}>

const PAGE = 200

export const administration = (
  use: <Result>(step: (opened: OpenAuth) => Promise<Result>) => Promise<Result>,
): Administration => {
  const page = (offset: number): Promise<User[]> =>
    use(async ({ auth }) => {
      const { adapter } = await auth.$context
      const sortBy = { field: 'createdAt', direction: 'asc' } as const
      return adapter.findMany<User>({ model: 'user', limit: PAGE, offset, sortBy })
    })

  const found = (email: string): Promise<User | undefined> =>
    use(async ({ auth }) => {
      const { internalAdapter } = await auth.$context
      return (await internalAdapter.findUserByEmail(email))?.user
    })

  return {
    async *users() {
      for (let offset = 0; ; offset += PAGE) {
        const users = await page(offset)
        yield* users
        if (users.length < PAGE) return
      }
    },
    find: async (email) => {
      const user = await found(email)
      if (user) return user
      throw new DomainError('not-found', 'No account has this email address.')
    },
    create: async (user) => {
      if (await found(user.email)) {
        throw new DomainError('invalid', 'An account with this email address exists.')
      }
      return use(async ({ auth, lifecycle }) => {
        const password = await passwords.hash(user.password)
        const { internalAdapter } = await auth.$context
        const created = await internalAdapter.createUser(
          { name: user.name, email: user.email.toLowerCase(), emailVerified: true },
          { method: 'email-password' },
        )
        const { id } = created
        const account = { userId: id, providerId: 'credential', accountId: id, password }
        await internalAdapter.createAccount(account).catch(async (error) => {
          await lifecycle.deleteUser(id)
          throw error
        })
        return created
      })
    },
    delete: (id) => use(({ lifecycle }) => lifecycle.deleteUser(id)),
    resetLink: async (email) => {
      const link = await use(({ lifecycle }) => lifecycle.resetLink(email))
      if (link !== undefined) return link
      throw new DomainError('not-found', 'No account has this email address.')
    },
    issueToken: (userId) =>
      use(async ({ auth }) => {
        const { token } = await auth.api.signJWT({ body: { payload: { sub: userId } } })
        return token
      }),
  }
}
