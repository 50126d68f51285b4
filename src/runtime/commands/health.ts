import { isIPv6 } from 'node:net'
import { readConfig } from '../config.ts'

const DEADLINE_MS = 4000

/** Throws an Error unless the server with this configuration is ready. */
export const checkHealth = async (): Promise<void> => {
  const { host, port } = readConfig(process.env)
  const url = `http://${reachable(host)}:${port}/health/ready`
  const response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) }).catch((cause) => {
    throw new Error(`No server responds at ${url}.`, { cause })
  })
  if (!response.ok) throw new Error(`The server is not ready: ${url} returned ${response.status}.`)
  process.stdout.write('The server is ready.\n')
}

/** An address to connect to, where the server listens on all. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return isIPv6(host) ? `[${host}]` : host
}
