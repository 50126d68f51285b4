import type { Socket } from 'bun'

type Peer = Socket<{ other?: Peer; held: Uint8Array[]; dead?: boolean }>

/**
 * A TCP relay between a server and its client that can go silent: then nothing passes and neither
 * side notices, as when a machine freezes or a cable is pulled. Or it swallows: then connections are
 * acknowledged and never carry anything again.
 */
export const silentProxy = (target: string) => {
  const { hostname, port } = new URL(target)
  let silent = false
  let swallowing = false
  const peers = new Set<Peer>()

  const pass = (from: Peer, data: Uint8Array): void => {
    if (from.data.dead) return
    if (silent || !from.data.other) from.data.held.push(data.slice())
    else from.data.other.write(data)
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
        client.data = { held: [], dead: swallowing }
        peers.add(client)
        if (swallowing) return
        Bun.connect<Peer['data']>({
          hostname,
          port: Number(port),
          socket: {
            ...handlers,
            open: (server) => {
              server.data = { other: client, held: [] }
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
    /** Takes no new connections; the old ones stay as they are. */
    refuse: () => listener.stop(),
    close: () => {
      listener.stop(true)
      for (const peer of peers) peer.end()
    },
  }
}
