import { expect, setDefaultTimeout, test } from 'bun:test'
import { taskport } from '../client/index.ts'
import { sharedSecretSigner } from '../src/adapters/jwt/shared-secret.ts'
import { WEBHOOKS_MAX } from '../src/domain/webhook.ts'
import { temporaryFolder } from './support/folder.ts'
import { SHARED, startServer } from './support/server.ts'
import { SERVER_STORAGES } from './support/storages.ts'
import { eventually } from './support/wait.ts'

setDefaultTimeout(90_000)

const SLOW_USERS = 10
const AT_ONCE = 4

const sign = sharedSecretSigner({ secret: SHARED.BETTER_AUTH_SECRET })

/** Keeps all requests but those to /prompt waiting until they are released. */
const startSlowReceiver = () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const requests: string[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 60,
    fetch: async ({ url }) => {
      const path = new URL(url).pathname
      requests.push(path)
      if (path !== '/prompt') await released
      return new Response()
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    release,
    count: (prefix: string) => requests.filter((path) => path.startsWith(prefix)).length,
    stop: () => server.stop(true),
  }
}

const openUser = async (api: string, name: string, hooks: readonly string[]) => {
  const token = await sign(name, 3600)
  const create = async (url: string): Promise<void> => {
    const response = await fetch(`${api}/api/webhooks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ url, events: ['task.changed'] }),
    })
    expect(response.status).toBe(201)
  }
  await Promise.all(hooks.map(create))
  const client = taskport({ url: api, token: () => token })
  return { change: () => client.create({ title: 'changed' }) }
}

test.each(Object.entries(SERVER_STORAGES))(
  '%s: ten users whose webhooks take long do not hold up the messages of another',
  async (_, storage) => {
    const receiver = startSlowReceiver()
    const env = { ...SHARED, WEBHOOK_ALLOW: 'http,private', ...(await storage()) }
    const server = await startServer(temporaryFolder(), env)
    await eventually(async () => (await fetch(`${server.url}/health/ready`)).ok, 'ready', 30_000)
    const messages = async (path: string, count: number): Promise<void> => {
      await eventually(
        () => receiver.count(path) >= count,
        () => `${receiver.count(path)} of ${count} messages arrived at ${path}.`,
      )
    }
    const prompt = await openUser(server.url, 'prompt', [`${receiver.url}/prompt`])
    const slow = await Promise.all(
      Array.from({ length: SLOW_USERS }, (_, n) =>
        openUser(
          server.url,
          `slow ${n}`,
          Array.from({ length: WEBHOOKS_MAX }, () => `${receiver.url}/slow/${n}/`),
        ),
      ),
    )
    await Promise.all(slow.map(({ change }) => change()))
    await messages('/slow', 32)
    await prompt.change()
    await messages('/prompt', 1)
    for (let n = 0; n < SLOW_USERS; n++) await messages(`/slow/${n}/`, AT_ONCE)
    await prompt.change()
    await messages('/prompt', 2)
    expect(receiver.count('/slow')).toBe(SLOW_USERS * AT_ONCE)
    receiver.release()
    await messages('/slow', SLOW_USERS * WEBHOOKS_MAX)
    server.signal('SIGTERM')
    expect(await server.exited).toBe(0)
    await receiver.stop()
  },
)
