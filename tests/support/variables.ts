import { readConfig } from '../../src/runtime/config.ts'

/** Set by the server itself, for its own processes. */
const INTERNAL = ['TASKPORT_WORKER']

/** The environment variables that the configuration reads. */
export const variablesRead = (): string[] => {
  const read = new Set<string>()
  const environment = new Proxy<Record<string, string>>(
    {},
    {
      get: (_, name) => {
        read.add(String(name))
        return undefined
      },
    },
  )
  readConfig(environment)
  return [...read].filter((name) => !INTERNAL.includes(name)).sort()
}
