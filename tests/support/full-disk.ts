/**
 * Preloaded into a server: on SIGUSR2 no file grows beyond 1 MiB any more, as if the disk was full,
 * and on SIGUSR1 there is room again.
 */
import { dlopen, FFIType, ptr, suffix } from 'bun:ffi'

const RLIMIT_FSIZE = 1
const UNLIMITED = 2n ** 63n - 1n
const library = process.platform === 'darwin' ? `libSystem.${suffix}` : 'libc.so.6'
const { symbols } = dlopen(library, {
  getrlimit: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
  setrlimit: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
})

const limit = (bytes: bigint): void => {
  const values = new BigUint64Array(2)
  symbols.getrlimit(RLIMIT_FSIZE, ptr(values))
  const most = values[1] ?? UNLIMITED
  values[0] = bytes < most ? bytes : most
  if (symbols.setrlimit(RLIMIT_FSIZE, ptr(values)) !== 0) throw new Error('setrlimit failed')
}

process.on('SIGXFSZ', () => {})
process.on('SIGUSR2', () => limit(1_048_576n))
process.on('SIGUSR1', () => limit(UNLIMITED))
