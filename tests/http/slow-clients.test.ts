import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { type RunningServer, serve } from '../../src/adapters/http/serve.ts'
import { memoryStorage } from '../../src/adapters/memory/storage.ts'
import { openHttp } from '../support/http.ts'
import { eventually, within } from '../support/wait.ts'

setDefaultTimeout(60_000)

let server: RunningServer | undefined
afterEach(() => server?.stop(0))

/** What comes back when the body is sent byte by byte, once the connection has been closed. */
const drip = async (port: number, head: string, byte: string): Promise<string> => {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  let received = ''
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      data: (_, chunk) => {
        received += chunk.toString()
      },
      close: () => resolve(),
    },
  })
  socket.write(
    'POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice\r\n' +
      `Content-Type: application/json\r\n${head}\r\n\r\n`,
  )
  const timer = setInterval(() => socket.write(byte), 200)
  await within(closed, 'the end of the connection', 20_000).finally(() => clearInterval(timer))
  return received
}

test('a body that comes byte by byte is refused, and its connection closed', async () => {
  const http = openHttp(memoryStorage().tasks, { deadline: 60_000 })
  server = serve(http.handle, { host: '127.0.0.1', port: 0, log: http.log })
  const port = Number(new URL(server.url).port)
  const responses = await Promise.all([
    drip(port, 'Content-Length: 1000', 'x'),
    drip(port, 'Transfer-Encoding: chunked', '1\r\nx\r\n'),
  ])
  for (const response of responses) {
    expect(response).toStartWith('HTTP/1.1 408 Request Timeout')
    expect(response).toContain('urn:taskport:problem:request-timeout')
  }
})

test.each(['Content-Length: 1000', 'Transfer-Encoding: chunked'])(
  'a client that leaves in the middle of its body is no error of the server, %s',
  async (head) => {
    const http = openHttp(memoryStorage().tasks)
    const { promise: begun, resolve } = Promise.withResolvers<void>()
    const handle: typeof http.handle = (request, address) => {
      resolve()
      return http.handle(request, address)
    }
    server = serve(handle, { host: '127.0.0.1', port: 0, log: http.log })
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: Number(new URL(server.url).port),
      socket: { data: () => {} },
    })
    socket.write(
      'POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice\r\n' +
        `Content-Type: application/json\r\n${head}\r\n\r\n`,
    )
    socket.write('1\r\nx\r\n')
    await within(begun, 'The request did not arrive.')
    socket.terminate()
    await eventually(() => http.lines.length > 0, 'The request was not logged.')
    expect(http.lines).toMatchObject([{ level: 'info', status: 408 }])
  },
)
