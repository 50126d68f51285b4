import { version } from '../package.json'
import { api } from './adapters/http/api.ts'
import { handler } from './adapters/http/handler.ts'
import { serve } from './adapters/http/serve.ts'
import { createApp } from './application/index.ts'
import { serializeError } from './application/log.ts'
import { startBackground } from './runtime/background.ts'
import { readConfig } from './runtime/config.ts'
import { environment } from './runtime/environment.ts'
import { openIdentity } from './runtime/identity.ts'
import { createLog } from './runtime/log.ts'
import { fail, onShutdown } from './runtime/shutdown.ts'
import { openStorage } from './runtime/storage.ts'
import { openTelemetry } from './runtime/telemetry.ts'
import { welcome } from './runtime/welcome.ts'
import { readyInTime, supervise } from './runtime/workers.ts'

try {
  const config = readConfig(process.env)
  const log = await createLog(config.logLevel)
  if (config.workers > 1) await supervise(config, log)
  const storage = await openStorage(config.storage, log, fail)
  const telemetry = await openTelemetry(config, version, log)
  let background: ReturnType<typeof startBackground> | undefined
  const app = createApp(
    {
      ...storage,
      wake: (job, at) => background?.wake(job, at),
      failingJobs: () => background?.failingJobs() ?? [],
      ...telemetry.ports(environment(config)),
    },
    config,
  )
  const { verify, accounts, ...identity } = await openIdentity(config, storage, app, log, fail)
  const onFailure = (error: unknown): void =>
    log.error(serializeError(error), 'event stream failed')
  const routes = api(app, verify, { version, streams: { onFailure }, accounts, ...telemetry.api })
  if (config.worker) await readyInTime(identity.reached)
  const options = { ...config, ...telemetry.handler, log }
  const server = serve(handler(routes, options), options)
  background = startBackground(app, storage, config, log)
  telemetry.start({ app, storage, background, openStreams: routes.openStreams })

  onShutdown(log, async (grace) => {
    routes.endStreams()
    await Promise.all([server.stop(grace), background?.stop(grace)])
    await Promise.all([identity.close(), storage.close(), telemetry.stop()])
  })
  log.info({ url: server.url, storage: config.storage.kind, version }, 'listening')
  if (!config.worker) process.stderr.write(welcome(server.url, config))
} catch (error) {
  fail(error)
}
