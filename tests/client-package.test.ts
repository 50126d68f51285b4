import { beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { memoryStorage } from '../src/adapters/memory/storage.ts'
import { openBrowser } from './support/browser.ts'
import { temporaryFolder } from './support/folder.ts'
import { openHttp } from './support/http.ts'
import { enter, killServers, startServer } from './support/server.ts'
import { within } from './support/wait.ts'

setDefaultTimeout(120_000)

const ROOT = join(import.meta.dir, '..')

const run = async (command: string[], cwd: string): Promise<string> => {
  const child = Bun.spawn(command, { cwd, stdout: 'pipe', stderr: 'pipe', timeout: 60_000 })
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  const code = await within(child.exited, `${command.join(' ')} should end.`, 60_000)
  if (code !== 0) throw new Error(`${command.join(' ')}: ${code}\n${output}${errors}`)
  return output
}

/** A project that has the package from its tarball, and Better Auth. */
const project = temporaryFolder()
const modules = join(project, 'node_modules')

beforeAll(async () => {
  const dist = temporaryFolder()
  const built = await run([process.execPath, join(ROOT, 'scripts/build-client.ts'), dist], ROOT)
  const tarball = built.trim()
  expect(tarball).toMatch(/taskport-client-\d+\.\d+\.\d+\.tgz$/)
  mkdirSync(join(modules, 'taskport-client'), { recursive: true })
  await run(['tar', 'xzf', tarball, '-C', join(modules, 'taskport-client'), '--strip=1'], project)
  for (const name of ['better-auth', '@types'])
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  await Bun.write(join(project, 'package.json'), '{ "type": "module" }')
})

test('npm packs the same files, and nothing has to be installed with them', async () => {
  const folder = join(modules, 'taskport-client')
  const [packed] = JSON.parse(await run(['npm', 'pack', '--dry-run', '--json'], folder))
  const files = packed.files.map(({ path }: { path: string }) => path).sort()
  expect(files).toEqual(['LICENSE', 'README.md', 'index.d.ts', 'index.js', 'package.json'])
  const manifest = await Bun.file(join(folder, 'package.json')).json()
  expect(manifest).toMatchObject({ name: 'taskport-client', license: 'MIT', type: 'module' })
  expect(Object.keys(manifest).filter((name) => /dependencies/i.test(name))).toEqual([])
  const script = await Bun.file(join(folder, 'index.js')).text()
  expect(script).not.toMatch(/^import /m)
  expect(script).toContain('Permission is hereby granted')
})

describe('compiles', () => {
  const USE = `
    import { type Change, type Task, TaskportError, taskport, type TokenSource } from 'taskport-client'

    export const use = async (token: TokenSource, signal: AbortSignal): Promise<Task[]> => {
      const client = taskport({ url: 'http://localhost:8000/', token, fetch: (url, init) => fetch(url, init) })
      const task = await client.create({ title: 'a', due_date: null }, { idempotencyKey: 'b', signal })
      await client.update(task.id, { priority: 'high' }, { ifMatch: task })
      const changes: Change[] = await client.batch([{ op: 'delete', id: task.id }])
      for await (const { changes, reset } of client.follow({ signal })) if (reset) console.log(changes)
      for await (const page of client.pages({ sort: 'title' })) console.log(page.length, changes)
      return client.list({ q: undefined }).catch((error: unknown) => {
        if (error instanceof TaskportError) console.log(error.status, error.errors[0]?.detail)
        throw error
      })
    }
    // @ts-expect-error the declarations are strict
    taskport({ url: 5 })
  `
  const BETTER_AUTH = `
    import { createAuthClient } from 'better-auth/client'
    import { jwtClient } from 'better-auth/client/plugins'
    import { betterAuthToken, taskport } from 'taskport-client'

    const url = 'http://localhost:8000'
    const authClient = createAuthClient({ baseURL: url, plugins: [jwtClient()] })
    const token = betterAuthToken(authClient)
    token.forget()
    export const tasks = taskport({ url, token })
  `
  const STRICT = {
    target: 'ES2023',
    strict: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    erasableSyntaxOnly: true,
    noFallthroughCasesInSwitch: true,
    noUncheckedSideEffectImports: true,
    verbatimModuleSyntax: true,
    moduleDetection: 'force',
    noEmit: true,
  }
  const VITE = {
    ...STRICT,
    lib: ['ES2023', 'DOM', 'DOM.Iterable'],
    module: 'ESNext',
    types: [],
    moduleResolution: 'bundler',
    allowImportingTsExtensions: true,
    jsx: 'react-jsx',
  }
  const NODE = { ...STRICT, lib: ['ES2023'], module: 'nodenext', types: ['node'] }

  test.each([
    ['as in the React template of Vite', 'use', USE, { ...VITE, skipLibCheck: true }],
    ['with its declarations checked', 'use', USE, { ...VITE, skipLibCheck: false }],
    ['with exact optional properties', 'use', USE, { ...VITE, exactOptionalPropertyTypes: true }],
    ['under nodenext', 'use', USE, { ...NODE, skipLibCheck: true }],
    ['with the client of Better Auth', 'auth', BETTER_AUTH, { ...VITE, skipLibCheck: true }],
  ])('%s', async (_, name, source, compilerOptions) => {
    await Bun.write(join(project, 'src', `${name}.ts`), source)
    const config = join(project, 'tsconfig.json')
    await Bun.write(config, JSON.stringify({ compilerOptions, files: [`src/${name}.ts`] }))
    expect(await run([join(ROOT, 'node_modules/.bin/tsc'), '-p', config], project)).toBe('')
  })
})

const USE = `async (url, token, { taskport }) => {
  const client = taskport({ url, token: () => token })
  const control = new AbortController()
  const following = client.follow({ signal: control.signal })
  await following.next()
  const soon = following.next()
  await client.create({ title: 'made elsewhere' })
  const { value } = await soon
  control.abort()
  return value.changes.map(({ task }) => task.title)
}`

test.each(['node', process.execPath])('runs in %s', async (runtime) => {
  const server = await startServer(temporaryFolder(), { DATABASE_URL: 'memory:' })
  const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
  const script = `
    const client = await import('taskport-client')
    console.log(JSON.stringify(await (${USE})('${server.url}', '${token}', client)))`
  await Bun.write(join(project, 'run.mjs'), script)
  expect(JSON.parse(await run([runtime, 'run.mjs'], project))).toEqual(['made elsewhere'])
  server.signal('SIGTERM')
  expect(await server.exited).toBe(0)
})

test('runs in a browser, loaded from the server by a page of another origin', async () => {
  const page = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } }),
  })
  const server = await startServer(temporaryFolder(), {
    DATABASE_URL: 'memory:',
    CORS_ORIGINS: page.url.origin,
  })
  const { token } = await enter(server.url, 'sign-up', 'ada@example.com')
  const browser = await openBrowser()
  try {
    const tab = await browser.newPage()
    await tab.goto(page.url.href)
    const use = `import('${server.url}/client.js').then((client) => (${USE})('${server.url}', '${token}', client))`
    expect(await tab.evaluate(use)).toEqual(['made elsewhere'])
  } finally {
    await browser.close()
    await page.stop(true)
    killServers()
  }
})

describe('the server offers it', () => {
  const http = openHttp(memoryStorage().tasks)
  const get = (path: string, headers: Record<string, string> = {}) =>
    http.call('GET', path, { as: null, headers })

  test.each([
    ['/client.js', 'index.js', 'text/javascript; charset=utf-8'],
    ['/client.d.ts', 'index.d.ts', 'text/plain; charset=utf-8'],
  ])('%s, to everyone, and unchanged only once', async (path, file, type) => {
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(type)
    expect(response.headers.get('cache-control')).toBe('public, max-age=3600')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.text()).toBe(
      await Bun.file(join(modules, 'taskport-client', file)).text(),
    )
    const etag = response.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[0-9a-z]+"$/)
    const again = await get(path, { 'if-none-match': etag })
    expect([again.status, await again.text()]).toEqual([304, ''])
    expect(again.headers.get('etag')).toBe(etag)
    expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200)
    const head = await http.call('HEAD', path, { as: null })
    expect(head.headers.get('content-length')).toBe(
      `${Bun.file(join(modules, 'taskport-client', file)).size}`,
    )
  })

  test('from a bundle that it was embedded in, where there are no sources', async () => {
    const embedded = { script: 'export {} // embedded', types: 'export {}' }
    const outdir = temporaryFolder()
    await Bun.build({
      entrypoints: [join(ROOT, 'src/adapters/http/client-files.ts')],
      define: { EMBEDDED_CLIENT: JSON.stringify(embedded) },
      target: 'bun',
      outdir,
    })
    const { clientFiles } = await import(join(outdir, 'client-files.js'))
    const response = await clientFiles().handle(new Request('http://localhost/client.js'))
    expect(await response.text()).toBe(embedded.script)
  })

  test('when it was started with "bun run up", with what that installs', async () => {
    const folder = temporaryFolder()
    for (const name of [
      'src',
      'client',
      'scripts',
      'package.json',
      'bun.lock',
      'bunfig.toml',
      'tsconfig.json',
    ])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true })
    const server = Bun.spawn([process.execPath, 'run', 'up'], {
      cwd: folder,
      env: { ...process.env, PORT: '0', DATABASE_URL: 'memory:', NODE_ENV: '' },
      stdout: 'pipe',
      stderr: 'ignore',
    })
    try {
      const url = await within(listening(server.stdout), 'The server should start.', 60_000)
      const response = await fetch(`${url}/client.js`)
      expect(response.status).toBe(200)
      expect(await response.text()).toContain('taskport')
    } finally {
      server.kill('SIGKILL')
    }
  })
})

const listening = async (output: ReadableStream<Uint8Array>): Promise<string> => {
  let text = ''
  for await (const chunk of output) {
    text += new TextDecoder().decode(chunk)
    const [, url] = /"url":"([^"]+)"/.exec(text) ?? []
    if (url) return url
  }
  throw new Error(`The server ended: ${text}`)
}
