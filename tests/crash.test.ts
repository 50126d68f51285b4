import { expect, setDefaultTimeout, test } from 'bun:test'
import { type Task, taskport } from '../client/index.ts'
import { temporaryFolder } from './support/folder.ts'
import { type RunningProcess, SHARED, startServer, tokenFor } from './support/server.ts'
import { SERVER_STORAGES } from './support/storages.ts'
import { eventually, within } from './support/wait.ts'

setDefaultTimeout(120_000)

const CRASHES = 10
const CLIENTS = 16
const BETWEEN = 60

const exit = (server: RunningProcess, signal: NodeJS.Signals): Promise<number> => {
  server.signal(signal)
  return within(server.exited, `The server should exit after ${signal}.`)
}

test.each(Object.entries(SERVER_STORAGES))(
  'ten times kill -9 under load, on %s: nothing acknowledged is lost, nothing is there twice',
  async (_, storage) => {
    const folder = temporaryFolder()
    const env = { ...SHARED, ...(await storage()) }
    const { token } = await tokenFor(folder, ['--sub', 'alice'])
    let server = await startServer(folder, env)
    const connection = { url: server.url, token: () => token, attempts: 10_000, pause: 5 }
    const acknowledged = new Map<string, Task>()
    let done = false

    const worker = async (n: number): Promise<void> => {
      const client = taskport({
        ...connection,
        fetch: async (url, init) => {
          const response = await fetch(url, { ...init, keepalive: false })
          response.headers.delete('retry-after')
          return response
        },
      })
      for (let m = 0; !done; m++) {
        const task = await client.create({ title: `${n}/${m}` })
        acknowledged.set(task.title, task)
        if (m % 3 === 0) acknowledged.set(task.title, await client.complete(task.id))
      }
    }
    const working = Promise.all(Array.from({ length: CLIENTS }, (__, n) => worker(n)))

    for (let crash = 0; crash < CRASHES; crash++) {
      const enough = acknowledged.size + BETWEEN
      const progress = eventually(
        () => acknowledged.size >= enough,
        () => `${enough} tasks should be acknowledged, ${acknowledged.size} are.`,
        30_000,
      )
      await Promise.race([progress, working])
      await exit(server, 'SIGKILL')
      server = await startServer(folder, { ...env, PORT: new URL(connection.url).port })
    }
    done = true
    await within(working, 'The clients should end their last calls.', 30_000)

    const list = await taskport(connection).list()
    expect(acknowledged.size).toBeGreaterThan(CRASHES * BETWEEN)
    expect(list.map(({ title }) => title).sort()).toEqual([...acknowledged.keys()].sort())
    expect(list).toEqual(list.map(({ title }) => acknowledged.get(title) as Task))
    const completed = list.filter((task) => task.completed).length
    const { revision } = await taskport(connection).changes({
      limit: 1000,
      since: Math.max(...list.map((task) => task.revision)),
    })
    expect(revision).toBe(list.length + completed)
    expect(await exit(server, 'SIGTERM')).toBe(0)
  },
)
