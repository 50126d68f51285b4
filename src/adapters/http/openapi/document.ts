import type { AnyElysia } from 'elysia'
import { toComponents } from './components.ts'
import { sharedParameters } from './parameters.ts'
import { headers, sharedResponses } from './responses.ts'
import { sharedSchemas } from './schema.ts'

export type Resource = Readonly<{
  routes: AnyElysia
  tag: Readonly<{ name: string; description: string }>
  schemas?: Readonly<Record<string, object>>
  parameters?: Readonly<Record<string, object>>
  responses?: Readonly<Record<string, object>>
  securitySchemes?: Readonly<Record<string, object>>
  webhooks?: Readonly<Record<string, object>>
}>

const DESCRIPTION = `Tasks for the users of web and mobile clients. Everything under /api/ except
/api/auth/ requires a bearer token and is limited to the tasks of its user. Every error is a problem
document (RFC 9457), including the 404 of an unknown path and the 405 of an unsupported method, which
are not listed here. Every GET also supports HEAD, and every path OPTIONS.`

const bearer = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description: 'A token of the identity provider. Its sub is the user.',
}

const LICENSE = { name: 'MIT', identifier: 'MIT' }

const CONTACT = { name: 'The Taskport authors' }
const personalToken = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'tp_',
  description:
    'A personal token of /api/tokens, for scripts and devices, with the scope that an operation names.',
}

/** Without paths, which the plugin reads from the routes. */
export const documentation = (version: string, resources: readonly Resource[]): object => ({
  openapi: '3.1.0',
  info: {
    title: 'Taskport',
    version,
    description: DESCRIPTION,
    license: LICENSE,
    contact: CONTACT,
  },
  servers: [{ url: '/', description: 'This server' }],
  tags: resources.map(({ tag }) => tag),
  webhooks: merge(resources, 'webhooks'),
  components: {
    schemas: toComponents({ ...sharedSchemas, ...merge(resources, 'schemas') }),
    headers,
    parameters: { ...sharedParameters, ...merge(resources, 'parameters') },
    responses: { ...sharedResponses, ...merge(resources, 'responses') },
    securitySchemes: { bearer, personalToken, ...merge(resources, 'securitySchemes') },
  },
})

const merge = (
  resources: readonly Resource[],
  part: 'schemas' | 'parameters' | 'responses' | 'securitySchemes' | 'webhooks',
): Readonly<Record<string, object>> =>
  Object.assign({}, ...resources.map((resource) => resource[part] ?? {}))
