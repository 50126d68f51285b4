import type { Socket } from 'bun'

type Peer = Socket<{ other?: Peer; held: Uint8Array[]; toServer: boolean; dead: boolean }>

/**
 * A TCP relay between a server and its client that can go silent: then nothing passes and neither
 * side notices, as when a machine freezes or a cable is pulled. Or it swallows: then connections are
 * acknowledged and never carry anything again.
 */
export const silentProxy = (target: string) => {
  let silent = false
  let swallowing = false
  let tears = 0
  let { hostname, port } = new URL(target)
  const peers = new Set<Peer>()

  const pass = (from: Peer, data: Uint8Array): void => {
    if (from.data.dead) return
    if (silent || !from.data.other) from.data.held.push(data.slice())
    else if (tears > 0 && from.data.toServer && data.length > 1) tear(from, data)
    else from.data.other.write(data)
  }
  const tear = (server: Peer, data: Uint8Array): void => {
    tears--
    const client = server.data.other
    client?.write(data.subarray(0, data.length / 2))
    client?.flush()
    client?.end()
    server.terminate()
  }
  const release = (peer: Peer): void => {
    const { other, held } = peer.data
    if (!silent && other) for (const data of held.splice(0)) other.write(data)
  }
  const drop = (peer: Peer): void => {
    peers.delete(peer)
    if (!peer.data.dead) peer.data.other?.end()
  }
  const handlers = { data: pass, close: drop, error: () => {} }

  const listener = Bun.listen<Peer['data']>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      ...handlers,
      open: (client) => {
        client.data = { held: [], toServer: false, dead: swallowing }
        peers.add(client)
        if (swallowing) return
        Bun.connect<Peer['data']>({
          hostname,
          port: Number(port),
          socket: {
            ...handlers,
            open: (server) => {
              server.data = { other: client, held: [], toServer: true, dead: false }
              client.data.other = server
              peers.add(server)
              release(client)
            },
          },
        }).catch(() => client.end())
      },
    },
  })
  const url = new URL(target)
  url.port = String(listener.port)

  return {
    url: url.href,
    goSilent: () => {
      silent = true
    },
    speak: () => {
      silent = false
      for (const peer of peers) release(peer)
    },
    swallow: () => {
      swallowing = true
      for (const peer of peers) peer.data.dead = true
    },
    /** For new connections; the old ones stay dead. */
    passAgain: () => {
      swallowing = false
    },
    /** The next responses end in the middle, each with its connection. */
    tear: (count: number) => {
      tears = count
    },
    /** New connections go to another server; the ones there are end. */
    switchTo: (other: string) => {
      const next = new URL(other)
      hostname = next.hostname
      port = next.port
      for (const peer of peers) peer.terminate()
    },
    /** Takes no new connections; the old ones stay as they are. */
    refuse: () => listener.stop(),
    close: () => listener.stop(true),
  }
}
