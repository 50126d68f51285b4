import { DomainError } from '../../domain/errors.ts'
import type { Auth } from './auth.ts'

export type User = Readonly<{ id: string; email: string; name: string; createdAt: Date }>

export type NewUser = Readonly<{ email: string; name: string; password: string }>

/** For the operator. Every method throws `unavailable` while the database cannot be reached. */
export type Administration = Readonly<{
  /** In order of sign-up. */
  users(): AsyncIterable<User>
  /** Throws `not-found`. */
  find(email: string): Promise<User>
  /** Throws `invalid` if the address has an account. */
  create(user: NewUser): Promise<User>
  /** Deletes the account itself and nothing else of the user. */
  delete(id: string): Promise<void>
  /** A token as the user would get it. */
  issueToken(userId: string): Promise<string>
}>

const PAGE = 200

export const administration = (
  use: <Result>(step: (auth: Auth) => Promise<Result>) => Promise<Result>,
): Administration => {
  const page = (offset: number): Promise<User[]> =>
    use(async (auth) => {
      const { adapter } = await auth.$context
      const sortBy = { field: 'createdAt', direction: 'asc' } as const
      return adapter.findMany<User>({ model: 'user', limit: PAGE, offset, sortBy })
    })

  const found = (email: string): Promise<User | undefined> =>
    use(async (auth) => {
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
      return use(async (auth) => {
        const { user: created, token } = await auth.api.signUpEmail({ body: user })
        const { internalAdapter } = await auth.$context
        if (token !== null) await internalAdapter.deleteSession(token)
        return created
      })
    },
    delete: (id) =>
      use(async (auth) => {
        const { adapter } = await auth.$context
        await adapter.delete({ model: 'user', where: [{ field: 'id', value: id }] })
      }),
    issueToken: (userId) =>
      use(async (auth) => {
        const { token } = await auth.api.signJWT({ body: { payload: { sub: userId } } })
        return token
      }),
  }
}
