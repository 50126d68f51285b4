import { describe, expect, test } from 'bun:test'
import { browserUrl, cookieReach } from '../../src/runtime/browser-origins.ts'
import { readConfig } from '../../src/runtime/config.ts'

const reach = (PUBLIC_URL: string, CORS_ORIGINS: string, AUTH_ISSUER = '') =>
  cookieReach(readConfig({ PUBLIC_URL, CORS_ORIGINS, AUTH_ISSUER }))

describe('cookies reach without crossing sites', () => {
  test.each([
    ['http://localhost:8000', 'http://localhost:5173'],
    ['https://api.example.com', 'https://app.example.com'],
    ['https://example.com', 'https://app.example.com:8443'],
    ['https://api.example.co.uk', 'https://app.example.co.uk'],
    ['http://192.168.0.7:8000', 'http://192.168.0.7:5173'],
    ['', 'http://localhost:5173'],
    ['', 'http://127.0.0.1:5173'],
    ['', ''],
  ])('the server %s, a page of %s', async (url, origin) => {
    expect(await reach(url, origin)).toEqual({ crossSite: false, warnings: [] })
  })
})

describe('cookies have to cross sites', () => {
  test.each([
    ['https://api.example.com', 'https://example.org'],
    ['https://api.github.io', 'https://app.github.io'],
    ['https://api.example.co.uk', 'https://app.other.co.uk'],
    ['https://api.example.com', 'http://localhost:5173'],
    ['https://api.example.com', 'http://app.example.com'],
    ['https://10.0.0.1', 'https://10.0.0.2'],
  ])('the server %s, a page of %s', async (url, origin) => {
    expect(await reach(url, origin)).toEqual({ crossSite: true, warnings: [] })
    const both = await reach(url, `${url},${origin}`)
    expect(both).toEqual({ crossSite: true, warnings: [] })
  })

  test('to an app, whose web view may block them', async () => {
    const { crossSite, warnings } = await reach(
      'https://api.example.com',
      'capacitor://localhost,https://app.example.com,myapp://',
    )
    expect(crossSite).toBe(true)
    expect(warnings).toEqual([
      expect.stringMatching(/^capacitor:\/\/localhost in CORS_ORIGINS is an app.*Authorization/),
      expect.stringMatching(/^myapp:\/\/ in CORS_ORIGINS is an app/),
    ])
  })
})

describe('cookies do not reach', () => {
  test.each([
    ['http://localhost:8000', 'http://127.0.0.1:5173', /another site than http:\/\/localhost:8000/],
    ['http://localhost:8000', 'https://app.example.com', /set PUBLIC_URL to an https address/],
    ['http://localhost:8000', 'https://localhost:5173', /another site/],
    ['http://api.example.com', 'tauri://localhost', /another site/],
    ['', 'https://app.example.com', /Set PUBLIC_URL to the address that browsers use/],
    ['', 'http://app.example.com', /Set PUBLIC_URL/],
    ['', 'capacitor://localhost', /Set PUBLIC_URL/],
  ])('the server %s, a page of %s', async (url, origin, message) => {
    const { crossSite, warnings } = await reach(url, origin)
    expect(crossSite).toBe(false)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toStartWith(`${origin} in CORS_ORIGINS `)
    expect(warnings[0]).toMatch(message)
  })
})

test('an issuer with https is the address of the server, unless that is given', async () => {
  const issuer = 'https://tasks.example.com'
  expect(browserUrl(readConfig({ AUTH_ISSUER: issuer }))).toBe(issuer)
  expect(browserUrl(readConfig({ AUTH_ISSUER: 'taskport' }))).toBeUndefined()
  expect(browserUrl(readConfig({ AUTH_ISSUER: issuer, PUBLIC_URL: 'https://x.org' }))).toBe(
    'https://x.org',
  )
  expect((await reach('', 'https://app.example.com', issuer)).warnings).toEqual([])
  expect((await reach('', 'https://app.example.org', issuer)).crossSite).toBe(true)
})
