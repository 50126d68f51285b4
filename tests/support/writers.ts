import { sharedSecretSigner } from '../../src/adapters/jwt/shared-secret.ts'
import { SHARED } from './server.ts'
import { within } from './wait.ts'

export type Writer = Readonly<{
  owner: string
  /** Revisions by the ids of the tasks whose creation was acknowledged. */
  acknowledged: Map<string, number>
  /** What the other responses were. */
  refused: Readonly<{ status: number; retryAfter: string | null }>[]
  /** Ids of all tasks of the owner. */
  stored(): Promise<Set<string>>
}>

/** Each creates one task after the other, until they are stopped. */
export const startWriters = async (url: string, owners: readonly string[]) => {
  const sign = sharedSecretSigner({ secret: SHARED.BETTER_AUTH_SECRET })
  let over = false
  const start = async (owner: string) => {
    const headers = {
      authorization: `Bearer ${await sign(owner, 3600)}`,
      'content-type': 'application/json',
    }
    const writer: Writer = {
      owner,
      acknowledged: new Map(),
      refused: [],
      stored: async () => {
        const response = await fetch(`${url}/api/tasks`, { headers })
        const tasks = (await response.json()) as { id: string }[]
        return new Set(tasks.map(({ id }) => id))
      },
    }
    const run = async (): Promise<void> => {
      while (!over) {
        const body = JSON.stringify({ title: 'written' })
        const response = await fetch(`${url}/api/tasks`, { method: 'POST', headers, body })
        const { status } = response
        const task = (await response.json()) as { id: string; revision: number }
        if (status === 201) writer.acknowledged.set(task.id, task.revision)
        else writer.refused.push({ status, retryAfter: response.headers.get('retry-after') })
        await Bun.sleep(status === 201 ? 1 : 20)
      }
    }
    return { writer, done: run() }
  }
  const started = await Promise.all(owners.map(start))
  return {
    writers: started.map(({ writer }) => writer),
    stop: async () => {
      over = true
      await within(Promise.all(started.map(({ done }) => done)), 'A request did not end.', 30_000)
    },
  }
}
