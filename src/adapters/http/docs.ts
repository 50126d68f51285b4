import { Elysia } from 'elysia'
import { documentation } from './openapi-document.ts'
import { problem } from './problem.ts'

const ASSETS = '/docs/assets/'

const TYPES: Readonly<Record<string, string>> = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

/** Without a `url` of its own the page would look for the document beside itself, wrong at `/docs/`. */
const OPTIONS = {
  url: '/docs/json',
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: 'none',
}

const HIDDEN = { detail: { hide: true } }

/**
 * `/docs`, an interactive page that asks nobody but this server, and `/docs/json`, the OpenAPI
 * document of every route that is not hidden. Both are made when they are first asked for.
 */
export const docs = (version: string, accounts: boolean) => {
  const app = new Elysia()
  let made: Promise<Site> | undefined
  const site = (): Promise<Site> => {
    made ??= makeSite(documentation(version, accounts), () => app['getGlobalRoutes']())
    return made
  }
  return app
    .get('/docs', async () => (await site()).page(), HIDDEN)
    .get('/docs/json', async () => (await site()).document(), HIDDEN)
    .get(`${ASSETS}:file`, ({ params }) => asset(params.file), HIDDEN)
}

type Site = Readonly<{ page(): Response; document(): Response }>

type Routes = ReturnType<Elysia['getGlobalRoutes']>

/** Loads the plugin only now: that takes half as long as the whole framework does. */
const makeSite = async (description: object, routes: () => Routes): Promise<Site> => {
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
  return {
    page: () => new Response(page, { headers }),
    document: () => new Response(document, { headers: { 'content-type': 'application/json' } }),
  }
}

/** The plugin's page takes its script from a public server; this one takes it from here. */
const localPage = (page: string): string =>
  page
    .replace(/https:\/\/unpkg\.com\/swagger-ui-dist@[^/]*\//g, ASSETS)
    .replace('</head>', `<link rel="icon" href="${ASSETS}favicon-32x32.png" />\n</head>`)

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
  const type = Object.hasOwn(TYPES, file) ? TYPES[file] : undefined
  if (!type) return problem('not-found', 'There is nothing at this address. See /docs.')
  const path = new URL(import.meta.resolve(`swagger-ui-dist/${file}`))
  const headers = { 'content-type': type, 'cache-control': 'public, max-age=3600' }
  return new Response(Bun.file(path), { headers })
}
