import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { within } from './wait.ts'

/** A webhook request as it was received. */
export type Delivery = Readonly<{
  headers: Record<string, string>
  body: string
  /** Milliseconds since 1970. */
  at: number
}>

export type Verdict = 'accept' | 'refuse' | 'cut'

/**
 * A real receiver of webhooks. `judge` gets the requests to one path so far and decides whether to
 * accept the last of them, to refuse it with 500, or to take it and cut the connection.
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
  server.listen(0, '127.0.0.1')
  await within(once(server, 'listening'), 'The receiver of webhooks should listen.')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deliveries,
    news: () => news.promise,
    /** Resolves once a condition holds, which is checked now and after every request. */
    until: (holds: () => boolean, expected: () => string, milliseconds?: number) => {
      let over = false
      const holding = async (): Promise<void> => {
        while (!over && !holds()) await news.promise
      }
      return within(holding(), expected, milliseconds).finally(() => {
        over = true
      })
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
