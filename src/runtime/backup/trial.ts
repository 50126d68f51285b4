import { api } from '../../adapters/http/api.ts'
import { handler } from '../../adapters/http/handler.ts'
import { serve } from '../../adapters/http/serve.ts'
import { noTraces } from '../../adapters/traces/index.ts'
import { createApp } from '../../application/index.ts'
import type { Log } from '../../application/log.ts'
import type { TokenVerifier } from '../../application/ports.ts'
import type { Config } from '../config.ts'
import { environment } from '../environment.ts'
import { openIdentity } from '../identity.ts'
import { openStorage } from '../storage.ts'
import type { OwnerDigest } from './digests.ts'

/**
 * Starts a server on a copy, without background work, which would send its reminders and webhooks,
 * and reads the tasks of one user with a token of its own. Throws an Error that says what failed.
 */
export const tryServer = async (
  config: Config,
  version: string,
  sample: OwnerDigest,
): Promise<void> => {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  const problems: string[] = []
  const note = (_: object, message: string): void => void problems.push(message)
  const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: note }
  const storage = await openStorage(config.storage, log, reject)
  const closers: (() => unknown)[] = [storage.close]
  try {
    await Promise.race([storage.reached, failed])
    const app = createApp(
      {
        ...storage,
        ...environment({ budgetFactor: 0, webhooks: { http: false, private: false } }),
        wake: () => {},
        failingJobs: () => [],
        traces: noTraces,
      },
      config,
    )
    const identity = config.identity && (await openIdentity(config, storage, app, log, reject))
    if (identity) closers.unshift(identity.close)
    await Promise.race([identity?.reached, failed])
    const { verify, token } = identity?.administration
      ? { verify: identity.verify, token: await identity.administration.issueToken(sample.user) }
      : onlyToken(sample.user)
    const routes = api(app, verify, { version, accounts: identity?.accounts })
    const server = serve(handler(routes, { log }), { host: '127.0.0.1', port: 0, log })
    closers.unshift(() => server.stop(0))
    await read(server.url, token, sample, problems)
  } finally {
    for (const close of closers) await close()
  }
}

const onlyToken = (user: string): { verify: TokenVerifier; token: string } => {
  const token = crypto.randomUUID()
  const verify: TokenVerifier = (given) => {
    if (given !== token) throw new Error('Another token came to the copy.')
    return { user_id: user, expires_at: Number.POSITIVE_INFINITY }
  }
  return { verify, token }
}

const read = async (
  url: string,
  token: string,
  { user, tasks, revision }: OwnerDigest,
  problems: readonly string[],
): Promise<void> => {
  const response = await fetch(`${url}/api/tasks`, {
    headers: { authorization: `Bearer ${token}` },
  })
  if (!response.ok) {
    throw new Error(
      `A server on the copy returned ${response.status} for a list of tasks. ${problems.join(' ')}`,
    )
  }
  const list = (await response.json()) as { user_id: string; revision: number }[]
  const latest = list.reduce((highest, task) => Math.max(highest, task.revision), 0)
  if (list.length === tasks && latest === revision && list.every((task) => task.user_id === user)) {
    return
  }
  throw new Error(
    `A server on the copy lists ${list.length} tasks of the user ${user} up to revision ${latest}, ` +
      `not ${tasks} up to ${revision}.`,
  )
}
