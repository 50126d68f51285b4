import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * What the built-in identity provider costs, on SQLite: start-up and memory with and without it; the
 * latency of a list while 16 clients sign up without pause, against an idle server, in alternating
 * rounds; and how long a sign-in takes for an unknown address and for a wrong password.
 */
const ROUNDS = 7
const REQUESTS = 8000
const PASSWORD = 'correct horse'
const main = join(import.meta.dir, '../src/main.ts')
const SECRET = { BETTER_AUTH_SECRET: 'a secret of at least thirty-two bytes' }

type Server = { url: string; pid: number; took: number; stop(): Promise<void> }

let port = 18_300

const start = async (env: Record<string, string>): Promise<Server> => {
  const folder = mkdtempSync(join(tmpdir(), 'taskport-bench-'))
  const url = `http://127.0.0.1:${++port}`
  const began = performance.now()
  const child = Bun.spawn([process.execPath, main], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', PORT: String(port), TRUST_PROXY: 'x-peer', ...env },
    stdout: 'ignore',
    stderr: 'ignore',
  })
  while (!(await fetch(`${url}/health`).catch(() => undefined))?.ok) await Bun.sleep(1)
  const took = performance.now() - began
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await child.exited
    rmSync(folder, { recursive: true })
  }
  return { url, pid: child.pid, took, stop }
}

const post = (url: string, way: string, body: object, peer: string): Promise<Response> =>
  fetch(`${url}/api/auth/${way}/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-peer': peer },
    body: JSON.stringify(body),
  })

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)

const median = (values: readonly number[]): number => at(sorted(values), 0.5)

const memory = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

/** In a process of its own, so that it does not slow the measuring one: signs up until it is ended. */
if (process.argv[2] === 'sign-up') {
  const url = process.argv[3] ?? ''
  let n = 0
  const visitor = async (): Promise<void> => {
    for (;;) {
      const email = `${process.pid}-${++n}@example.com`
      const peer = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
      await post(url, 'sign-up', { name: 'x', email, password: PASSWORD }, peer)
    }
  }
  await Promise.all(Array.from({ length: 16 }, visitor))
}

const compareStarts = async (): Promise<void> => {
  const modes = { 'without it': SECRET, 'with it': {} }
  const figures = new Map<string, { took: number[]; rss: number[] }>()
  for (let round = 0; round < 10; round++) {
    for (const [name, env] of Object.entries(modes)) {
      const server = await start(env)
      const { took, rss } = figures.get(name) ?? { took: [], rss: [] }
      figures.set(name, { took: [...took, server.took], rss: [...rss, memory(server.pid)] })
      await server.stop()
    }
  }
  for (const [name, { took, rss }] of figures) {
    console.log(`start ${name}: median ${median(took).toFixed(0)} ms, ${median(rss).toFixed(0)} MB`)
  }
}

const compareLatency = async (): Promise<void> => {
  const server = await start({})
  const up = await post(
    server.url,
    'sign-up',
    { name: 'Ada', email: 'ada@example.com', password: PASSWORD },
    '10.9.9.9',
  )
  const cookie = up.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  const answer = await fetch(`${server.url}/api/auth/token`, { headers: { cookie } })
  const { token } = (await answer.json()) as { token: string }
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  for (let n = 0; n < 20; n++) {
    await fetch(`${server.url}/api/tasks`, {
      method: 'POST',
      headers,
      body: '{"title":"Buy milk"}',
    })
  }
  const measure = async (): Promise<number[]> => {
    const times: number[] = []
    for (let n = 0; n < REQUESTS; n++) {
      const began = performance.now()
      await (await fetch(`${server.url}/api/tasks`, { headers })).text()
      times.push(performance.now() - began)
    }
    return sorted(times)
  }
  await measure()
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const idle = await measure()
    const load = Bun.spawn([process.execPath, import.meta.path, 'sign-up', server.url], {
      stderr: 'ignore',
    })
    await Bun.sleep(500)
    const busy = await measure()
    load.kill('SIGKILL')
    await load.exited
    await Bun.sleep(1000)
    ratios.push(at(busy, 0.99) / at(idle, 0.99))
    console.log(
      `list: p50 ${at(idle, 0.5).toFixed(2)} ms idle, ${at(busy, 0.5).toFixed(2)} ms busy; ` +
        `p99 ${at(idle, 0.99).toFixed(2)} ms idle, ${at(busy, 0.99).toFixed(2)} ms busy`,
    )
  }
  console.log(`list: p99 busy / idle, median of ${ROUNDS} rounds: ${median(ratios).toFixed(2)}`)

  const wrong: Record<string, number[]> = { 'ada@example.com': [], 'eve@example.com': [] }
  for (let n = 0; n < 200; n++) {
    for (const [email, times] of Object.entries(wrong)) {
      const began = performance.now()
      await (
        await post(
          server.url,
          'sign-in',
          { email, password: 'wrong horse' },
          `10.8.${n}.${email.length}`,
        )
      ).text()
      times.push(performance.now() - began)
    }
  }
  const [known = 0, unknown = 0] = Object.values(wrong).map(median)
  console.log(
    `sign-in: median ${known.toFixed(2)} ms with a wrong password, ${unknown.toFixed(2)} ms with an unknown address`,
  )
  await server.stop()
}

await compareStarts()
await compareLatency()
