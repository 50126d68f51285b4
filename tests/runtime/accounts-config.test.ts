import { expect, test } from 'bun:test'
import { readConfig } from '../../src/runtime/config.ts'

const MAIL = { SMTP_URL: 'smtp://ada:p@mail.example.com:587', MAIL_FROM: 'tasks@example.com' }
const OIDC = { OIDC_ISSUER: 'https://id.example.com/realms/home', OIDC_CLIENT_ID: 'taskport' }

test('accounts are open to all, with passwords, unless it is configured otherwise', () => {
  expect(readConfig({}).identity).toEqual({ signUp: 'open', passwords: true })
  expect(
    readConfig({
      ...MAIL,
      ...OIDC,
      SIGN_UP: 'first',
      PASSWORDS: 'off',
      MAIL_FROM: 'Taskport <tasks@example.com>',
      OIDC_CLIENT_SECRET: 'secret',
      OIDC_NAME: 'Example',
    }).identity,
  ).toEqual({
    signUp: 'first',
    passwords: false,
    mail: { url: MAIL.SMTP_URL, from: 'Taskport <tasks@example.com>' },
    oidc: {
      issuer: OIDC.OIDC_ISSUER,
      clientId: 'taskport',
      clientSecret: 'secret',
      name: 'Example',
    },
  })
  expect(readConfig(OIDC).identity?.oidc).toEqual({
    issuer: OIDC.OIDC_ISSUER,
    clientId: 'taskport',
    name: 'id.example.com',
  })
})

test.each([
  [{ SIGN_UP: 'never' }, /SIGN_UP must be open, first or closed/],
  [{ PASSWORDS: 'no' }, /PASSWORDS must be on or off/],
  [{ PASSWORDS: 'off' }, /PASSWORDS can only be off with OIDC_ISSUER/],
  [{ ...MAIL, SMTP_URL: 'mail.example.com' }, /SMTP_URL must be smtp:\/\/user/],
  [{ ...MAIL, SMTP_URL: 'https://mail.example.com' }, /SMTP_URL must be/],
  [{ ...MAIL, MAIL_FROM: 'Taskport' }, /MAIL_FROM must be an address/],
  [{ ...MAIL, MAIL_FROM: 'a@example.com\nBcc: b@example.com' }, /MAIL_FROM must be an address/],
  [{ SMTP_URL: MAIL.SMTP_URL }, /MAIL_FROM must be set with SMTP_URL/],
  [{ MAIL_FROM: MAIL.MAIL_FROM }, /SMTP_URL must be set with MAIL_FROM/],
  [{ ...OIDC, OIDC_ISSUER: 'id.example.com' }, /OIDC_ISSUER must be an http or https URL/],
  [{ OIDC_ISSUER: OIDC.OIDC_ISSUER }, /OIDC_CLIENT_ID must be set with OIDC_ISSUER/],
  [{ OIDC_CLIENT_SECRET: 'secret' }, /OIDC_ISSUER must be set/],
])('%j is refused by name', (environment, message) => {
  expect(() => readConfig(environment)).toThrow(message)
})
