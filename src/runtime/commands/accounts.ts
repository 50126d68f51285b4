import type { Administration } from '../../adapters/identity/administration.ts'
import type { App } from '../../application/index.ts'
import type { Config } from '../config.ts'
import { openIdentity } from '../identity.ts'
import { commandLog } from './log.ts'

type DeleteAccount = App['deleteAccount']

const nothingToDelete: DeleteAccount = async () => {}

/**
 * Runs a step with the accounts of the built-in sign-in, which a server may have open at the same
 * time. Throws an Error that says what to do.
 */
export const withAccounts = async <Result>(
  config: Config,
  step: (accounts: Administration) => Promise<Result>,
): Promise<Result> => {
  const { promise: refused, reject } = Promise.withResolvers<never>()
  const reached = Promise.resolve()
  const app = { deleteAccount: nothingToDelete }
  const { administration, close } = await openIdentity(config, { reached }, app, commandLog, reject)
  try {
    if (!administration) {
      throw new Error(
        'The accounts are with the identity provider that AUTH_JWKS_URL or BETTER_AUTH_SECRET ' +
          'connects. Use its own tools.',
      )
    }
    if (config.storage.kind === 'memory') {
      throw new Error(
        'With DATABASE_URL=memory: the accounts are in the memory of the server only.',
      )
    }
    return await Promise.race([step(administration), refused])
  } finally {
    await close()
  }
}

/** Does nothing when another identity provider has the accounts. */
export const migrateAccounts = async (config: Config): Promise<void> => {
  if (config.identity)
    await withAccounts(
      config,
      async ({ users }) => void (await users()[Symbol.asyncIterator]().next()),
    )
}
