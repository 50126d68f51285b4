import { version } from '../package.json'
import { api } from './adapters/http/api.ts'
import { handler } from './adapters/http/handler.ts'
import { describe } from './adapters/http/request-log.ts'
import { serve } from './adapters/http/serve.ts'
import { webhooksTo } from './adapters/webhooks/index.ts'
import { createApp } from './application/index.ts'
import { startChores } from './chores.ts'
import { readConfig } from './config.ts'
import { createLog } from './log.ts'
import { openStorage } from './storage.ts'
import { openTokens } from './tokens.ts'
import { welcome } from './welcome.ts'

const fail = (error: unknown): never => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}

try {
  const config = readConfig(process.env)
  const log = await createLog(config.logLevel)
  const storage = await openStorage(config.storage, log, fail)
  const app = createApp(
    {
      ...storage,
      ...webhooksTo(config.webhooks),
      chance: Math.random,
      now: () => new Date().toISOString(),
      newId: (at) => Bun.randomUUIDv7('hex', Date.parse(at)),
    },
    config,
  )
  const { verify, accounts, close } = await openTokens(config, storage, app.deleteAccount, log)
  const onFailure = (error: unknown): void => log.error(describe(error), 'event stream failed')
  const routes = api(app, verify, {
    version,
    streams: { onFailure },
    ...(accounts && { accounts }),
  })
  const endChores = startChores(app, storage, log)
  const server = serve(handler(routes, { ...config, log }), { ...config, log })

  const stop = async (signal: string): Promise<void> => {
    log.info({ signal }, 'stopping')
    routes.endStreams()
    await Promise.all([server.stop(), endChores()])
    await close()
    await storage.close()
    process.exit(0)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  log.info({ url: server.url, storage: config.storage.kind, version }, 'listening')
  process.stderr.write(welcome(server.url, config))
} catch (error) {
  fail(error)
}
