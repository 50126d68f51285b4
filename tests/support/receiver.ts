import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request of a webhook, as it came. */
export type Delivery = Readonly<{
  headers: Record<string, string>
  body: string
  /** Milliseconds since 1970. */
  at: number
}>

export type Verdict = 'accept' | 'refuse' | 'cut'

/**
 * A real receiver of webhooks. `judge` is given a path's requests so far and decides whether to take
 * the last of them, to answer 500, or to take it and cut the connection without an answer.
 */
export const startReceiver = async (
  judge: (deliveries: readonly Delivery[]) => Verdict = () => 'accept',
) => {
  const deliveries = new Map<string, Delivery[]>()
  let news = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const path = request.url ?? ''
      const all = deliveries.get(path) ?? []
      deliveries.set(path, all)
      all.push({ headers: request.headers as Record<string, string>, body, at: Date.now() })
      const verdict = judge(all)
      if (verdict === 'cut') request.socket.destroy()
      else response.writeHead(verdict === 'accept' ? 204 : 500).end()
      news.resolve()
      news = Promise.withResolvers()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deliveries,
    news: () => news.promise,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
