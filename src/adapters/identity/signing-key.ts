import { symmetricDecrypt } from 'better-auth/crypto'
import type { Auth } from './auth.ts'

/** The secret is not the one that the database was used with. */
export class WrongSecretError extends Error {}

/** Throws a WrongSecretError that names `secretSource` if the newest key cannot be decrypted. */
export const checkSigningKey = async (auth: Auth, secretSource: string): Promise<void> => {
  const { adapter, secretConfig } = await auth.$context
  const [newest] = await adapter.findMany<{ privateKey: string }>({
    model: 'jwks',
    sortBy: { field: 'createdAt', direction: 'desc' },
    limit: 1,
  })
  if (!newest) return
  try {
    await symmetricDecrypt({ key: secretConfig, data: JSON.parse(newest.privateKey) })
  } catch (cause) {
    throw new WrongSecretError(
      `The secret in ${secretSource} is not the one that encrypts the signing keys of this server. ` +
        'Restore the one that was used before. If it is lost, delete all rows of the table jwks (in ' +
        'auth.db, or in the schema taskport_identity): a new key is generated at the next start, and ' +
        'all users have to sign in again.',
      { cause },
    )
  }
}
