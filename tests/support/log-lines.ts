/** Logs `count` lines at once and then ends as `end` says. `bun log-lines.ts <name> <count> <end>` */
import { createLog } from '../../src/runtime/log.ts'

const [, , name = '', count = '', end = ''] = Bun.argv
const log = await createLog('info')
const fields = { name, filler: 'ü'.repeat(100) }
for (let n = 0; n < Number(count); n++) log.info({ ...fields, n }, 'line')
if (end === 'exit') process.exit(1)
if (end === 'throw') {
  setTimeout(() => {
    throw new Error('uncaught')
  })
}
if (end === 'reject') void Promise.reject(new Error('unhandled'))
if (end === 'error') {
  log.error({ ...fields, n: Number(count) }, 'line')
  Bun.sleepSync(600_000)
}
