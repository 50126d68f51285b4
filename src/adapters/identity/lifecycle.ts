import type { Auth } from './auth.ts'
import type { Links } from './links.ts'

const RESET_MS = 3_600_000

export type Lifecycle = ReturnType<typeof lifecycleOf>

/** What happens to an account beside its own routes. */
export const lifecycleOf = (
  auth: Promise<Auth>,
  links: Links,
  settings: Readonly<{ onDelete: (userId: string) => Promise<void> }>,
) => {
  const context = async () => (await auth).$context
  const deleteLinks = async (userId: string): Promise<void> => {
    const { adapter } = await context()
    await adapter.deleteMany({ model: 'verification', where: [{ field: 'value', value: userId }] })
  }
  /** In one statement that deletes sessions and passwords as well, where the library needs three. */
  const deleteUser = async (id: string): Promise<void> => {
    const { adapter } = await context()
    await deleteLinks(id)
    await adapter.delete({ model: 'user', where: [{ field: 'id', value: id }] })
  }
  return {
    deleteUser,
    onDelete: async (id: string): Promise<void> => {
      await settings.onDelete(id)
      await deleteUser(id)
    },
    /** Whoever had the link can read mail to the address, or was sent by an operator. */
    onPasswordReset: async (id: string): Promise<void> => {
      const { internalAdapter } = await context()
      await internalAdapter.updateUser(id, { emailVerified: true })
      await deleteLinks(id)
    },
    /** Sets a new password once, within an hour. Undefined if no account has the address. */
    resetLink: async (email: string): Promise<string | undefined> => {
      const { internalAdapter } = await context()
      const user = (await internalAdapter.findUserByEmail(email))?.user
      if (!user) return undefined
      const token = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('base64url')
      await internalAdapter.createVerificationValue({
        identifier: `reset-password:${token}`,
        value: user.id,
        expiresAt: new Date(Date.now() + RESET_MS),
      })
      return links.reset(token)
    },
  }
}
