import { type BetterAuthPlugin, betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import type { IdentityDatabase } from './database.ts'
import { type Lifecycle, lifecycleOf } from './lifecycle.ts'
import { linksIn } from './links.ts'
import { type AuthSettings, optionsOf } from './options.ts'
import { checkSigningKey } from './signing-key.ts'

export type Auth = ReturnType<typeof betterAuth<ReturnType<typeof optionsOf>>>

export type OpenAuth = Readonly<{
  auth: Auth
  lifecycle: Lifecycle
  /** The same with one more plugin, which may not have tables. */
  withPlugin(plugin: BetterAuthPlugin): Auth
}>

/** Migrates the schema and creates the first signing key. Throws a WrongSecretError. */
export const openAuth = async (
  { database, exclusively }: IdentityDatabase,
  settings: AuthSettings & Readonly<{ onError: (error: Error) => void }>,
): Promise<OpenAuth> => {
  const { promise, resolve } = Promise.withResolvers<Auth>()
  const lifecycle = lifecycleOf(promise, linksIn(settings.baseUrl), settings)
  const options = optionsOf(database, { ...settings, ...lifecycle })
  const prepare = async (): Promise<Auth> => {
    const { runMigrations } = await getMigrations(options)
    await runMigrations()
    const auth = betterAuth(options)
    await checkSigningKey(auth, settings.secretSource)
    await auth.api.getJwks()
    return auth
  }
  await exclusively(async () => resolve(await prepare()))
  const withPlugin = (plugin: BetterAuthPlugin) =>
    betterAuth({ ...options, plugins: [...options.plugins, plugin] }) as unknown as Auth
  return { auth: await promise, lifecycle, withPlugin }
}
