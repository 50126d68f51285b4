import type { Copy } from '../../application/backup.ts'
import type { Config } from '../config.ts'

/** A copy that can be read, and then started. */
export type OpenCopy = Pick<Copy, 'all' | 'close'> &
  Readonly<{
    /** Of a server on the copy, which may start after `close`. */
    config: Config
    /** Of what only the check needs. */
    remove(): Promise<void>
  }>
