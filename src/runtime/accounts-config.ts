import type { ReadVariable } from './config.ts'
import { parseHttpUrl } from './origins.ts'

export type MailOptions = Readonly<{ url: string; from: string }>

export type AccountsConfig = Readonly<{
  signUp: 'open' | 'first' | 'closed'
  /** Whether accounts have passwords. */
  passwords: boolean
  mail?: MailOptions
  oidc?: Readonly<{ issuer: string; clientId: string; clientSecret?: string; name: string }>
}>

type Environment = Readonly<{
  read: ReadVariable
  text: (name: string) => string | undefined
  problems: string[]
}>

export const readAccountsConfig = (environment: Environment): AccountsConfig => {
  const { read, problems } = environment
  const oidc = readOidc(environment)
  const mail = readMail(environment)
  const passwords = read(
    'PASSWORDS',
    true,
    (value) => ({ on: true, off: false })[value],
    'must be on or off.',
  )
  if (!passwords && !oidc)
    problems.push('PASSWORDS can only be off with OIDC_ISSUER: otherwise no one could sign in.')
  return {
    signUp: read(
      'SIGN_UP',
      'open' as const,
      (value) => SIGN_UP.find((policy) => policy === value),
      'must be open, first or closed.',
    ),
    passwords,
    ...(mail && { mail }),
    ...(oidc && { oidc }),
  }
}

const SIGN_UP = ['open', 'first', 'closed'] as const

const readMail = ({ read, problems }: Environment): MailOptions | undefined => {
  const url = read(
    'SMTP_URL',
    undefined,
    (value) => (/^smtps?:\/\/[^/]/.test(value) && URL.canParse(value) ? value : undefined),
    'must be smtp://user:password@host:587 or smtps://user:password@host.',
  )
  const from = read(
    'MAIL_FROM',
    undefined,
    (value) => (/^([^<>@\r\n]*<)?[^\s<>@]+@[^\s<>@]+>?$/.test(value) ? value : undefined),
    'must be an address, such as Taskport <tasks@example.com>.',
  )
  if (url !== undefined && from === undefined)
    problems.push('MAIL_FROM must be set with SMTP_URL: the address that mails come from.')
  if (url === undefined && from !== undefined)
    problems.push('SMTP_URL must be set with MAIL_FROM: the server that mails are sent through.')
  return url !== undefined && from !== undefined ? { url, from } : undefined
}

const readOidc = ({ read, text, problems }: Environment): AccountsConfig['oidc'] => {
  const issuer = read('OIDC_ISSUER', undefined, parseHttpUrl, 'must be an http or https URL.')
  const [clientId, clientSecret] = [text('OIDC_CLIENT_ID'), text('OIDC_CLIENT_SECRET')]
  const given = text('OIDC_NAME')
  if (issuer !== undefined && clientId === undefined)
    problems.push('OIDC_CLIENT_ID must be set with OIDC_ISSUER: as registered with the provider.')
  if (issuer === undefined && (clientId ?? clientSecret) !== undefined)
    problems.push('OIDC_ISSUER must be set with OIDC_CLIENT_ID: the URL of the provider.')
  if (issuer === undefined || clientId === undefined) return undefined
  const name = given ?? new URL(issuer).hostname
  return { issuer, clientId, name, ...(clientSecret !== undefined && { clientSecret }) }
}
