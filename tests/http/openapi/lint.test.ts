import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import {
  BaseResolver,
  createConfig,
  lintDocument,
  makeDocumentFromString,
} from '@redocly/openapi-core'
import { type RulesetDefinition, Spectral } from '@stoplight/spectral-core'
import { oas } from '@stoplight/spectral-rulesets'
import { type Document, document, documentWithoutAccounts } from './document.ts'

setDefaultTimeout(60_000)

const redocly = async (whole: object): Promise<string[]> => {
  const problems = await lintDocument({
    externalRefResolver: new BaseResolver(),
    document: makeDocumentFromString(JSON.stringify(whole), '/openapi.json'),
    config: await createConfig({ extends: ['recommended'] }),
  })
  return problems.map(
    ({ severity, ruleId, location }) => `${severity} ${ruleId} ${location[0]?.pointer}`,
  )
}

const spectral = new Spectral()
spectral.setRuleset({ extends: [[oas as RulesetDefinition, 'recommended']] })

/** They take nothing that could be wrong. */
const WITHOUT_INPUT = ['/', '/health', '/health/ready'].map(
  (path) => `warn operation-4xx-response #/paths/${path.replaceAll('/', '~1')}/get/responses`,
)

/** It sends the browser elsewhere, whatever comes. */
const REDIRECT = 'warn operation-2xx-response #/paths/~1api~1auth~1callback~1oidc/get/responses'

describe.each([
  ['with accounts', document, [REDIRECT, ...WITHOUT_INPUT]],
  ['without accounts', documentWithoutAccounts, WITHOUT_INPUT],
])('the document %s', (_, whole: Document, expected) => {
  test('passes the recommended rules of Redocly', async () => {
    expect((await redocly(whole)).sort()).toEqual(expected)
  })

  test('passes the recommended rules of Spectral', async () => {
    const problems = await spectral.run(JSON.parse(JSON.stringify(whole)))
    expect(problems.map(({ code, path }) => `${code} ${path.join('/')}`)).toEqual([])
  })
})

test('both linters find what is wrong', async () => {
  const faulty = { ...document, servers: [], paths: { '/x': { get: { responses: {} } } } }
  expect(await redocly(faulty)).toContain('error no-empty-servers #/servers')
  const codes = (await spectral.run(faulty)).map(({ code }) => code)
  expect(codes).toContain('oas3-api-servers')
})
