import { readFileSync } from 'node:fs'

/** Database servers do not run as root: then who they run as. */
export const unprivilegedUser = (): { uid: number; gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const user = ['postgres', 'nobody']
    .map((name) => users.find(([candidate]) => candidate === name))
    .find((candidate) => candidate !== undefined)
  if (!user)
    throw new Error('As root, the tests need a user postgres or nobody to run PostgreSQL as.')
  return { uid: Number(user[2]), gid: Number(user[3]) }
}
