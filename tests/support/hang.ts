/** A process whose stop never resolves, and that fails uncaught on SIGUSR2. */
import './fault.ts'
import { createLog } from '../../src/runtime/log.ts'
import { onShutdown } from '../../src/runtime/shutdown.ts'

const log = await createLog('info')
onShutdown(log, () => new Promise(() => {}))
log.error({}, 'started')
setInterval(() => {}, 1000)
