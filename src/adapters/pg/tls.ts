import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { type Options, oneOf } from './url.ts'

export type Tls = ConnectionOptions | false

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

/** As libpq does it, in the order of attempts. Without `sslmode` there is no TLS. */
export const tlsChoices = (options: Options): readonly Tls[] => {
  const root = options.sslrootcert
  const given = oneOf(options, 'sslmode', MODES, root === 'system' ? 'verify-full' : 'disable')
  const mode = given === 'require' && root !== undefined ? 'verify-ca' : given
  if (root === 'system' && mode !== 'verify-full') {
    throw new Error('has sslrootcert=system, which needs sslmode=verify-full.')
  }
  if (root !== undefined && !mode.startsWith('verify-')) {
    throw new Error('has sslrootcert, which needs sslmode=verify-full or verify-ca.')
  }
  if (mode === 'verify-ca' && root === undefined) {
    throw new Error('has sslmode=verify-ca, which needs sslrootcert=<path>.')
  }
  if ((options.sslcert === undefined) !== (options.sslkey === undefined)) {
    throw new Error('must have both sslcert and sslkey, or neither.')
  }
  if (mode === 'disable' && options.sslcert !== undefined) {
    throw new Error('has sslcert, which needs sslmode=require, or stricter.')
  }
  const tls: ConnectionOptions = {
    ...(options.sslcert && { cert: read('sslcert', options.sslcert) }),
    ...(options.sslkey && { key: read('sslkey', options.sslkey) }),
    ...(root !== undefined && root !== 'system' && { ca: read('sslrootcert', root) }),
    rejectUnauthorized: mode.startsWith('verify-'),
    ...(mode === 'verify-ca' && { checkServerIdentity: () => undefined }),
  }
  if (mode === 'disable') return [false]
  if (mode === 'allow') return [false, tls]
  return mode === 'prefer' ? [tls, false] : [tls]
}

const read = (name: string, path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new Error(`has ${name}, whose file cannot be read.`)
  }
}
