import { version } from '../package.json'
import { api } from './adapters/http/api.ts'
import { handler } from './adapters/http/handler.ts'
import { serve } from './adapters/http/serve.ts'
import { webhooksTo } from './adapters/webhooks/index.ts'
import { createApp } from './application/index.ts'
import { serializeError } from './application/log.ts'
import { startChores } from './chores.ts'
import { readConfig } from './config.ts'
import { createLog } from './log.ts'
import { openStorage } from './storage.ts'
import { openTokens } from './tokens.ts'
import { untilTold } from './until-told.ts'
import { welcome } from './welcome.ts'
import { readyOrLate, supervise } from './workers.ts'

const fail = (error: unknown): never => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}

try {
  const config = readConfig(process.env)
  const log = await createLog(config.logLevel)
  if (config.workers > 1) await supervise(config, log)
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
  const onFailure = (error: unknown): void =>
    log.error(serializeError(error), 'event stream failed')
  const routes = api(app, verify, {
    version,
    streams: { onFailure },
    ...(accounts && { accounts }),
  })
  if (config.worker) await readyOrLate(storage.reached)
  const endChores = startChores(app, storage, log)
  const server = serve(handler(routes, { ...config, log }), { ...config, log })

  untilTold(log, async () => {
    routes.endStreams()
    await Promise.all([server.stop(), endChores()])
    await close()
    await storage.close()
  })
  log.info({ url: server.url, storage: config.storage.kind, version }, 'listening')
  if (!config.worker) process.stderr.write(welcome(server.url, config))
} catch (error) {
  fail(error)
}
