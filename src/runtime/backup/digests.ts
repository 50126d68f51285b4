import type { TaskRow, TaskRows } from '../../application/backup.ts'

/** What is kept of a user's tasks to compare them by. `revision` is the highest one. */
export type OwnerDigest = Readonly<{
  user: string
  tasks: number
  revision: number
  sha256: string
}>

/** In the order of the rows. */
export async function* digestsOf(rows: TaskRows): AsyncGenerator<OwnerDigest> {
  let hasher = new Bun.CryptoHasher('sha256')
  let tasks = 0
  let last: TaskRow | undefined
  const digest = ({ owner, revision }: TaskRow): OwnerDigest => {
    const done = { user: owner, tasks, revision, sha256: hasher.digest('hex') }
    hasher = new Bun.CryptoHasher('sha256')
    tasks = 0
    return done
  }
  for await (const row of rows) {
    if (last && last.owner !== row.owner) yield digest(last)
    hasher.update(`${JSON.stringify([row.id, row.revision, row.timeline, row.document])}\n`)
    tasks++
    last = row
  }
  if (last) yield digest(last)
}

/** Throws an Error that names the first user whose tasks differ. */
export const throwIfDifferent = async (
  expected: AsyncIterable<OwnerDigest>,
  found: AsyncIterable<OwnerDigest>,
): Promise<void> => {
  const [left, right] = [expected[Symbol.asyncIterator](), found[Symbol.asyncIterator]()]
  for (;;) {
    const [wanted, present] = [(await left.next()).value, (await right.next()).value]
    if (!wanted && !present) return
    if (wanted && present && JSON.stringify(wanted) === JSON.stringify(present)) continue
    const user = wanted?.user ?? present?.user
    const count = present && present.user === user ? present.tasks : 0
    throw new Error(
      `The tasks of the user ${user} in the copy are not the original ones: ` +
        `${count} tasks where ${wanted?.tasks ?? 0} should be, or with other content.`,
    )
  }
}
