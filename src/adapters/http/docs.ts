import { Elysia } from 'elysia'
import icon from 'swagger-ui-dist/favicon-32x32.png' with { type: 'file' }
import swaggerStyle from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' }
import swaggerScript from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' }
import style from './docs/page.css' with { type: 'text' }
import script from './docs/page.js' with { type: 'text' }
import { documentation, type Resource } from './openapi/document.ts'
import { compressible, compressLater, type Encoding } from './transport/compress.ts'
import { problem } from './transport/problem.ts'

const ASSETS = '/docs/assets/'

const FILES: Readonly<Record<string, Readonly<{ path: string; type: string }>>> = {
  'swagger-ui-bundle.js': { path: swaggerScript, type: 'text/javascript; charset=utf-8' },
  'swagger-ui.css': { path: swaggerStyle, type: 'text/css; charset=utf-8' },
  'favicon-32x32.png': { path: icon, type: 'image/png' },
}

/** What the page has besides Swagger UI: sign-in, dark colours and narrow screens. */
const OWN: Readonly<Record<string, readonly [text: string, type: string]>> = {
  'page.js': [script, 'text/javascript; charset=utf-8'],
  'page.css': [style, 'text/css; charset=utf-8'],
}

/** The default `url` is relative to the page, and wrong at `/docs/`. */
const OPTIONS = {
  url: '/docs/json',
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: 'none',
}

const HIDDEN = { detail: { hide: true } }

/** The page loads nothing from other servers. Both are built on the first request. */
export const docs = (version: string, resources: readonly Resource[]) => {
  const app = new Elysia()
  let built: Promise<Site> | undefined
  const site = (): Promise<Site> => {
    built ??= buildSite(documentation(version, resources), () => app['getGlobalRoutes']())
    return built
  }
  return app
    .get('/docs', async () => (await site()).page(), HIDDEN)
    .get('/docs/json', async () => (await site()).document(), HIDDEN)
    .get(`${ASSETS}:file`, ({ params }) => asset(params.file), HIDDEN)
}

type Site = Readonly<{ page(): Response; document(): Response }>

type Routes = ReturnType<Elysia['getGlobalRoutes']>

/** Loads the plugin late: it takes half as long to load as the whole framework. */
const buildSite = async (description: object, routes: () => Routes): Promise<Site> => {
  const { swagger } = await import('@elysiajs/swagger')
  const plugin = swagger({
    provider: 'swagger-ui',
    path: '/docs',
    theme: `${ASSETS}swagger-ui.css`,
    autoDarkMode: false,
    documentation: description,
    swaggerOptions: OPTIONS,
  })
  plugin['getGlobalRoutes'] = routes
  const read = async (path: string): Promise<string> =>
    (await plugin.handle(new Request(`http://localhost${path}`))).text()
  const page = localPage(await read('/docs'))
  const document = await read('/docs/json')
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policyOf(page),
  }
  const type = { 'content-type': 'application/json' }
  return {
    page: () => compressible(new Response(page, { headers }), page),
    document: () =>
      compressible(new Response(document, { headers: type }), kept(textBytes(document))),
  }
}

/** The plugin's page loads its script from a CDN. */
const localPage = (page: string): string =>
  page
    .replace(/https:\/\/unpkg\.com\/swagger-ui-dist@[^/]*\//g, ASSETS)
    .replace(
      '</head>',
      `<link rel="stylesheet" href="${ASSETS}page.css" />
<link rel="icon" href="${ASSETS}favicon-32x32.png" />
</head>`,
    )
    .replace('<script>', `<script type="module" src="${ASSETS}page.js"></script>\n<script>`)

const policyOf = (page: string): string => {
  const [, script = ''] = /<script>([\s\S]*?)<\/script>/.exec(page) ?? []
  const hash = new Bun.CryptoHasher('sha256').update(script).digest('base64')
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

const asset = (file: string): Response => {
  const own = Object.hasOwn(OWN, file) ? OWN[file] : undefined
  if (own) return new Response(own[0], { headers: headersOf(own[1]) })
  const found = Object.hasOwn(FILES, file) ? FILES[file] : undefined
  if (!found) return problem('not-found', 'No asset has this name. See /docs.')
  const { path, type } = found
  const response = new Response(Bun.file(path), { headers: headersOf(type) })
  return type.startsWith('text/') ? compressible(response, keptAssets(file, path)) : response
}

const textBytes = (text: string) => async (): Promise<Uint8Array> => new TextEncoder().encode(text)

/** Compressed for the first client that accepts it, in another thread. */
const kept = (read: () => Promise<Uint8Array>) => {
  const done = new Map<Encoding, Promise<Uint8Array>>()
  return (encoding: Encoding): Promise<Uint8Array> => {
    const known = done.get(encoding)
    if (known) return known
    const made = read().then((bytes) => compressLater(bytes, encoding, LEVELS))
    made.catch(() => done.delete(encoding))
    done.set(encoding, made)
    return made
  }
}

const LEVELS = { zstd: 12, gzip: 9 }

const assets = new Map<string, ReturnType<typeof kept>>()

const keptAssets = (file: string, path: string): ReturnType<typeof kept> => {
  const asset = assets.get(file) ?? kept(() => Bun.file(path).bytes())
  assets.set(file, asset)
  return asset
}

const headersOf = (type: string) => ({
  'content-type': type,
  'cache-control': 'public, max-age=3600',
})
