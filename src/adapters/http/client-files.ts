import { Elysia } from 'elysia'
import { compressible } from './transport/compress.ts'
import { knownTag } from './transport/entity-tag.ts'

const CLIENT = new URL('../../../client/', import.meta.url)

const HIDDEN = { detail: { hide: true } }

export type ClientFiles = Readonly<{ script: string; types: string }>

/** Defined where the sources are not: in an executable. */
declare const EMBEDDED_CLIENT: ClientFiles | undefined

/** The client as one ES module, and its declarations. */
export const buildClient = async (): Promise<ClientFiles> => {
  const licence = await Bun.file(
    new URL('../LICENSE', import.meta.resolve('eventsource-parser')),
  ).text()
  const { outputs } = await Bun.build({
    entrypoints: [Bun.fileURLToPath(new URL('index.ts', CLIENT))],
    target: 'browser',
    banner: `/*! Includes eventsource-parser.\n\n${licence.trim()}\n*/`,
  })
  const [script] = outputs
  if (!script) throw new Error('The client was built without an output.')
  return { script: await script.text(), types: await Bun.file(new URL('types.ts', CLIENT)).text() }
}

/** Public, for pages of any origin. Built on the first request, in a thread of the bundler. */
export const clientFiles = () => {
  let built: Promise<ClientFiles> | undefined
  const serve = (part: keyof ClientFiles, type: string) => async (context: Context) => {
    built ??=
      typeof EMBEDDED_CLIENT === 'undefined' ? buildClient() : Promise.resolve(EMBEDDED_CLIENT)
    const text = (await built)[part]
    const tag = Bun.hash(text).toString(36)
    const headers = {
      'content-type': `${type}; charset=utf-8`,
      etag: `"${tag}"`,
      'cache-control': 'public, max-age=3600',
      'access-control-allow-origin': '*',
    }
    const known = knownTag(context.request.headers, tag)
    return known
      ? new Response(null, { status: 304, headers: { ...headers, etag: known } })
      : compressible(new Response(text, { headers }), text)
  }
  return new Elysia()
    .get('/client.js', serve('script', 'text/javascript'), HIDDEN)
    .get('/client.d.ts', serve('types', 'text/plain'), HIDDEN)
}

type Context = Readonly<{ request: Request }>
