import { type Tls, tlsChoices } from './tls.ts'

export type Address = Readonly<{ host?: string; port?: number; ssl: Tls }>

export type Database = Readonly<{
  /** Ways to reach the server, in the order in which they are tried. */
  addresses: readonly Address[]
  user?: string
  password?: string
  database?: string
  application_name?: string
  /** Command-line options for the server process. */
  options?: string
  /** Milliseconds. */
  connectTimeout?: number
  /** SCRAM-SHA-256-PLUS or nothing. */
  channelBinding: boolean
  /** A read-only server is passed over. */
  writable: boolean
  /** Behind a pooler that may give each transaction another session of the server. */
  pooler: boolean
}>

const URL_PARTS = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/

const OPTIONS = [
  'application_name',
  'channel_binding',
  'connect_timeout',
  'host',
  'options',
  'pgbouncer',
  'port',
  'sslcert',
  'sslkey',
  'sslmode',
  'sslrootcert',
  'target_session_attrs',
] as const

type Option = (typeof OPTIONS)[number]
export type Options = Readonly<Partial<Record<Option, string>>>

/** Options are those of libpq, and `pgbouncer`. Throws an Error that says what to change. */
export const parseDatabaseUrl = (url: string): Database => {
  const [match, userInfo = '', hosts = '', path = '', query = ''] = URL_PARTS.exec(url) ?? []
  if (match === undefined || match.endsWith('://')) {
    throw new Error('must be postgres://user:password@host/database.')
  }
  const options = readOptions(query)
  const colon = userInfo.indexOf(':')
  const [user, password] =
    colon < 0 ? [userInfo, ''] : [userInfo.slice(0, colon), userInfo.slice(colon + 1)]
  const tls = tlsChoices(options)
  const channelBinding =
    oneOf(options, 'channel_binding', ['disable', 'prefer', 'require'], 'prefer') === 'require'
  if (channelBinding && tls.includes(false)) {
    throw new Error('has channel_binding=require, which needs sslmode=require, or stricter.')
  }
  const servers = readHosts(hosts, options)
  const attributes = servers.length > 1 ? 'read-write' : 'any'
  return {
    addresses: servers.flatMap((server) => tls.map((ssl) => ({ ...server, ssl }))),
    ...named('user', decode(user)),
    ...named('password', decode(password)),
    ...named('database', decode(path)),
    ...named('application_name', options.application_name),
    ...named('options', options.options),
    ...(options.connect_timeout && { connectTimeout: 1000 * readSeconds(options.connect_timeout) }),
    channelBinding,
    writable:
      oneOf(options, 'target_session_attrs', ['any', 'read-write', 'primary'], attributes) !==
      'any',
    pooler: oneOf(options, 'pgbouncer', ['true', 'false'], 'false') === 'true',
  }
}

const readOptions = (query: string): Options => {
  const options: Partial<Record<Option, string>> = {}
  for (const [name, value] of new URLSearchParams(query.replaceAll('+', '%2B'))) {
    const option = OPTIONS.find((known) => known === name)
    if (!option) {
      throw new Error(
        `has the option ${name}, which is not supported. Remove it. Supported are ${OPTIONS.join(', ')}.`,
      )
    }
    if (option in options) throw new Error(`has the option ${name} twice.`)
    options[option] = value
  }
  return options
}

/** Throws unless the option is absent or one of these. */
export const oneOf = <Word extends string, Fallback extends Word | undefined>(
  options: Options,
  name: Option,
  words: readonly Word[],
  fallback: Fallback,
): Word | Fallback => {
  const value = options[name]
  if (value === undefined) return fallback
  const word = words.find((each) => each === value)
  if (word === undefined) throw new Error(`has ${name}, which must be ${words.join(', ')}.`)
  return word
}

const readHosts = (authority: string, options: Options): Omit<Address, 'ssl'>[] =>
  (authority || options.host || '').split(',').map((text) => {
    const [, bracketed, plain, port = options.port] =
      /^(?:\[(.+)\]|([^:[\]]*))(?::(\d*))?$/.exec(text) ?? []
    const host = bracketed ?? plain
    if (host === undefined) throw new Error('has a host that is not valid.')
    return { ...named('host', decode(host)), ...(port && { port: readPort(port) }) }
  })

const readPort = (text: string): number => wholeNumber(text, 'port', 65_535)

const readSeconds = (text: string): number => wholeNumber(text, 'connect_timeout', 600)

const wholeNumber = (text: string, name: string, maximum: number): number => {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= maximum) return number
  throw new Error(`has ${name}, which must be a whole number from 1 to ${maximum}.`)
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('has a percent sign that must be written as %25.')
  }
}

const named = <Name extends string>(name: Name, value: string | undefined) =>
  (value ? { [name]: value } : {}) as { [name in Name]?: string }
