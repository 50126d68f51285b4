import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import type { TaskRows } from '../../application/backup.ts'
import { digestsOf, type OwnerDigest } from './digests.ts'

const USERS = 'users.ndjson'

/** A list without tasks is read when there are none. */
export const NO_TASKS: OwnerDigest = { user: 'nobody', tasks: 0, revision: 0, sha256: '' }

/** `sample` has the most tasks. */
export type Totals = Readonly<{ users: number; tasks: number; sample: OwnerDigest }>

/** Of each user, to the backup in `folder`. */
export const writeDigests = async (rows: TaskRows, folder: string): Promise<Totals> => {
  const stream = createWriteStream(join(folder, USERS), { mode: 0o600 })
  const written = finished(stream)
  written.catch(() => {})
  let [users, tasks, sample] = [0, 0, NO_TASKS]
  for await (const digest of digestsOf(rows)) {
    users++
    tasks += digest.tasks
    if (digest.tasks > sample.tasks) sample = digest
    if (!stream.write(`${JSON.stringify(digest)}\n`)) {
      await Promise.race([new Promise((resolve) => stream.once('drain', resolve)), written])
    }
  }
  stream.end()
  await written
  return { users, tasks, sample }
}

export async function* readDigests(
  folder: string,
  onDigest: (digest: OwnerDigest) => void,
): AsyncGenerator<OwnerDigest> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of Bun.file(join(folder, USERS)).stream()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const digest = JSON.parse(line) as OwnerDigest
      onDigest(digest)
      yield digest
    }
  }
}
