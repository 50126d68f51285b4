import { accountResponses, headers, responses } from './openapi-answers.ts'
import { parameters } from './openapi-parameters.ts'
import { accountSchemas, schemas } from './openapi-schemas.ts'
import { webhookMessages } from './openapi-webhooks.ts'

const DESCRIPTION = `The tasks of the users of a web or mobile client. Everything under /api/ asks for
a bearer token and shows its user's own tasks only. Every error is a problem document (RFC 9457),
also the 404 of an address and the 405 of a method that is not listed here. Every GET answers HEAD as
well, every address OPTIONS.`

const bearer = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description: "Your identity provider's token. Its sub is the user.",
}

/** The OpenAPI document but for its paths; the plugin's types know OpenAPI 3.0 only. */
export const documentation = (version: string, accounts: boolean): object => ({
  openapi: '3.1.0',
  info: { title: 'Taskport', version, description: DESCRIPTION },
  tags: [
    { name: 'tasks', description: 'Your own tasks' },
    ...(accounts ? [{ name: 'accounts', description: 'Signing up and in' }] : []),
    { name: 'webhooks', description: 'What is sent to the receivers of webhooks' },
    { name: 'service', description: 'The service itself; no token needed' },
  ],
  webhooks: webhookMessages,
  components: {
    schemas: accounts ? { ...schemas, ...accountSchemas } : schemas,
    headers,
    parameters,
    responses: accounts ? { ...responses, ...accountResponses } : responses,
    securitySchemes: { bearer },
  },
})
