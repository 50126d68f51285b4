import { version } from '../package.json'
import { api } from './adapters/http/api.ts'
import { handler } from './adapters/http/handler.ts'
import { describe } from './adapters/http/request-log.ts'
import { serve } from './adapters/http/serve.ts'
import { tokenVerifier } from './adapters/jwt/index.ts'
import { createApp } from './application/index.ts'
import { readConfig, secretPath } from './config.ts'
import { localSecret } from './local-secret.ts'
import { createLog } from './log.ts'
import { openStorage } from './storage.ts'
import { welcome } from './welcome.ts'

const fail = (error: unknown): never => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}

try {
  const config = readConfig(process.env)
  const log = await createLog(config.logLevel)
  const { tokens } = config
  const ownSecret = tokens.secret === undefined && tokens.jwksUrl === undefined
  const verify = tokenVerifier({
    ...tokens,
    ...(ownSecret && { secret: localSecret(secretPath(config)) }),
    onStale: (error: unknown) => log.warn(describe(error), 'key set not refreshed'),
  })
  const storage = await openStorage(config.storage, log, fail)
  const app = createApp(
    {
      tasks: storage.tasks,
      now: () => new Date().toISOString(),
      newId: (at) => Bun.randomUUIDv7('hex', Date.parse(at)),
    },
    { taskQuota: config.taskQuota },
  )
  const handle = handler(api(app, verify, { version }), { log, corsOrigins: config.corsOrigins })
  const server = serve(handle, { host: config.host, port: config.port, log })

  const stop = async (signal: string): Promise<void> => {
    log.info({ signal }, 'stopping')
    await server.stop()
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
