import { connect, createServer, type Socket } from 'node:net'
import { freePort } from '../../tests/support/free-port.ts'

type Pair = Readonly<{ client: Socket; server: Socket }>

export type Proxy = Awaited<ReturnType<typeof databaseProxy>>

/** A TCP relay with back-pressure that can swallow what passes through, old connections or all. */
export const databaseProxy = async (target: string) => {
  const { hostname, port } = new URL(target)
  const own = freePort()
  const pairs = new Set<Pair>()
  const lost = new Set<Pair>()
  let silent = false

  const relay = ({ client, server }: Pair): void => {
    client.pipe(server)
    server.pipe(client)
  }
  const hold = ({ client, server }: Pair): void => {
    client.unpipe(server).pause()
    server.unpipe(client).pause()
  }
  const destroy = ({ client, server }: Pair): void => {
    client.destroy()
    server.destroy()
  }

  const listener = createServer((client) => {
    const pair = { client, server: connect(Number(port), hostname) }
    pairs.add(pair)
    for (const socket of [client, pair.server]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        if (!pairs.delete(pair)) return
        // What one side said last still reaches the other.
        client.end()
        pair.server.end()
      })
    }
    if (!silent) relay(pair)
  })
  await new Promise<void>((resolve) => listener.listen(own, '127.0.0.1', resolve))
  const url = new URL(target)
  url.port = String(own)

  return {
    url: url.href,
    /** Nothing passes any more, and nobody notices. */
    goSilent: (): void => {
      silent = true
      for (const pair of pairs) hold(pair)
    },
    speak: (): void => {
      silent = false
      for (const pair of pairs) relay(pair)
    },
    /** The connections there are stay silent for good; new ones work. */
    lose: (): void => {
      for (const pair of pairs) {
        hold(pair)
        lost.add(pair)
      }
      pairs.clear()
    },
    close: (): void => {
      for (const pair of [...pairs, ...lost]) destroy(pair)
      listener.close()
    },
  }
}
