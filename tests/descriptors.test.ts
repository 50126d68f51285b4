import { afterEach, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SHARED } from './support/server.ts'
import { eventually, within } from './support/wait.ts'

const LIMIT = 64
const CONNECTIONS = 200
const MAIN = join(import.meta.dir, '../src/main.ts')

const children: Bun.Subprocess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const startLimited = async () => {
  const child = Bun.spawn(['sh', '-c', `ulimit -n ${LIMIT}; exec ${process.execPath} ${MAIN}`], {
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...SHARED, DATABASE_URL: 'memory:' },
    stdout: 'pipe',
    stderr: 'ignore',
  })
  children.push(child)
  let output = ''
  void (async () => {
    for await (const chunk of child.stdout) output += new TextDecoder().decode(chunk)
  })()
  const logged = (text: string | RegExp): Promise<RegExpMatchArray> =>
    eventually(
      () => output.match(text) as RegExpMatchArray,
      () => `${text} in ${output}`,
      30_000,
    )
  const [, url = ''] = await logged(/"url":"([^"]+)"/)
  return { child, url, logged }
}

/** Milliseconds of processor time so far. */
const cpuOf = ({ pid }: Bun.Subprocess): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

test.if(process.platform === 'linux')(
  'without file descriptors the server neither spins nor ends, and then accepts connections again',
  async () => {
    const { child, url, logged } = await startLimited()
    const sockets: Bun.Socket[] = []
    for (let n = 0; n < CONNECTIONS; n++) {
      const socket = { open: (peer: Bun.Socket) => void sockets.push(peer), data: () => {} }
      void Bun.connect({ hostname: '127.0.0.1', port: Number(new URL(url).port), socket })
    }
    await eventually(() => sockets.length === CONNECTIONS, 'all connections are open')
    await logged('accepting no connections')
    const before = cpuOf(child)
    await Bun.sleep(2000)
    expect(cpuOf(child) - before).toBeLessThan(400)
    expect(child.exitCode).toBeNull()
    for (const socket of sockets) socket.end()
    await logged('accepting connections again')
    const health = await within(fetch(`${url}/health`), 'a response after the attack', 20_000)
    expect(health.status).toBe(200)
  },
  60_000,
)
