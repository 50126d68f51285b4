import { isIPv6 } from 'node:net'
import { dirname, join } from 'node:path'
import { secretProblem } from '../adapters/jwt/secret-problem.ts'
import { parseDatabaseUrl } from '../adapters/pg/url.ts'
import { type AccountsConfig, readAccountsConfig } from './accounts-config.ts'
import { type BackupConfig, readBackups } from './backup-config.ts'
import { parseHttpUrl, parseOrigins, parsePublicUrl } from './origins.ts'
import { readTelemetry, type TelemetryConfig } from './telemetry-config.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

type PostgresConfig = Readonly<{
  kind: 'postgres'
  url: string
  poolSize: number
  sharding: 'none' | 'citus'
}>

export type Storage =
  | Readonly<{ kind: 'memory' }>
  | Readonly<{ kind: 'sqlite'; path: string }>
  | PostgresConfig

export type Config = Readonly<{
  host: string
  port: number
  /** Processes that serve; with more than one, this one only supervises them. */
  workers: number
  worker: boolean
  storage: Storage
  dataFolder: string
  tokens: Readonly<{ secret?: string; jwksUrl?: string; issuer?: string; audience?: string }>
  /** Undefined when tokens come from another identity provider. */
  identity?: Readonly<{ secret?: string }> & AccountsConfig
  trustProxy?: string
  /** The origin under which browsers reach the server. */
  publicUrl?: string
  corsOrigins: readonly string[]
  taskQuota: number
  /** Megabytes. */
  storageQuota: number
  /** Multiplies the budgets of all users; 0 lifts them. */
  budgetFactor: number
  webhooks: Readonly<{ http: boolean; private: boolean }>
  backups: BackupConfig
  logLevel: (typeof LOG_LEVELS)[number]
  telemetry: TelemetryConfig
}>

/** Notes a value that `parse` throws for, or returns undefined for, among the problems. */
export type ReadVariable = <Value>(
  name: string,
  fallback: Value,
  parse: (text: string) => Value | undefined,
  help: string,
) => Value

type Environment = Readonly<Record<string, string | undefined>>

/** An empty variable counts as unset. Throws one Error that names every invalid one. */
export const readConfig = (environment: Environment): Config => {
  const problems: string[] = []
  const read: ReadVariable = (name, fallback, parse, help) => {
    const text = environment[name]?.trim()
    if (!text) return fallback
    try {
      const value = parse(text)
      if (value === undefined) problems.push(`${name} ${help}`)
      return value ?? fallback
    } catch (error) {
      problems.push(`${name} ${error instanceof Error ? error.message : help}`)
      return fallback
    }
  }
  const text = (name: string): string | undefined => read(name, undefined, (value) => value, '')
  const integer = (name: string, fallback: number, minimum: number, maximum: number): number =>
    read(
      name,
      fallback,
      (value) => {
        const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
        return number >= minimum && number <= maximum ? number : undefined
      },
      `must be a whole number from ${minimum} to ${maximum}.`,
    )

  const poolSize = integer('DATABASE_POOL_SIZE', 10, 1, 1000)
  const sharding = read(
    'DATABASE_SHARDING',
    'none' as PostgresConfig['sharding'],
    (value) => (value === 'citus' ? value : undefined),
    'must be citus, or unset for a PostgreSQL that keeps all users.',
  )
  const databaseVariable =
    !environment['DATABASE_URL']?.trim() && environment['NEON_DB_URL']?.trim()
      ? 'NEON_DB_URL'
      : 'DATABASE_URL'
  const storage = read(
    databaseVariable,
    { kind: 'sqlite', path: './data/taskport.db' } as Storage,
    (value) => parseStorage(value, { poolSize, sharding }),
    'must be sqlite:<path>, memory: or postgres://user:password@host/database.',
  )
  const workers = integer('WORKERS', 1, 1, 64)
  if (workers > 1 && storage.kind !== 'postgres') {
    problems.push(
      'WORKERS must be 1 with SQLite and in memory, which serve one process only. Set DATABASE_URL to a ' +
        'PostgreSQL database for more.',
    )
  }
  if (sharding === 'citus' && storage.kind !== 'postgres') {
    problems.push(
      'DATABASE_SHARDING must be unset with SQLite and in memory. Set DATABASE_URL to the coordinator of ' +
        'a Citus cluster to use it.',
    )
  }
  const sharedSecret = (name: string): string | undefined => {
    const secret = text(name)
    const problem = secret === undefined ? undefined : secretProblem(secret)
    if (problem) problems.push(`${name} ${problem}`)
    return secret
  }
  const secret = sharedSecret('BETTER_AUTH_SECRET')
  const identitySecret = sharedSecret('AUTH_SECRET')
  const jwksUrl = read('AUTH_JWKS_URL', undefined, parseHttpUrl, 'must be an http or https URL.')
  const issuer = text('AUTH_ISSUER')
  const audience = text('AUTH_AUDIENCE')

  const accounts = readAccountsConfig({ read, text, problems })
  const builtIn = secret === undefined && jwksUrl === undefined
  if (builtIn && storage.kind === 'postgres' && identitySecret === undefined) {
    problems.push(
      'AUTH_SECRET must be set to sign users up with PostgreSQL, the same for every process. Make one ' +
        'with: openssl rand -base64 32. Or set AUTH_JWKS_URL or BETTER_AUTH_SECRET to take the tokens of ' +
        'another identity provider.',
    )
  }
  const trustProxy = read(
    'TRUST_PROXY',
    undefined,
    (value) => (/^[A-Za-z0-9-]+$/.test(value) ? value : undefined),
    'must be the name of the header that your proxy sets, such as X-Forwarded-For.',
  )

  const publicUrl = read(
    'PUBLIC_URL',
    undefined,
    parsePublicUrl,
    'must be the address that browsers use, without a path, such as https://tasks.example.com.',
  )

  const allowed = read(
    'WEBHOOK_ALLOW',
    [] as string[],
    parseAllowed,
    'must be http, private, or both with a comma between them.',
  )

  const dataFolder = storage.kind === 'sqlite' ? dirname(storage.path) : './data'
  const config: Config = {
    host: read(
      'HOST',
      '127.0.0.1',
      parseHost,
      'must be an address of this machine without a port, such as 127.0.0.1, or 0.0.0.0 for all.',
    ),
    port: integer('PORT', 8000, 0, 65_535),
    workers,
    worker: text('TASKPORT_WORKER') !== undefined,
    storage,
    dataFolder,
    tokens: {
      ...(secret !== undefined && { secret }),
      ...(jwksUrl !== undefined && { jwksUrl }),
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    },
    ...(builtIn && {
      identity: { ...accounts, ...(identitySecret !== undefined && { secret: identitySecret }) },
    }),
    ...(trustProxy !== undefined && { trustProxy }),
    ...(publicUrl !== undefined && { publicUrl }),
    corsOrigins: read('CORS_ORIGINS', [], parseOrigins, ''),
    taskQuota: integer('TASK_QUOTA', 10_000, 1, 1_000_000),
    storageQuota: integer('STORAGE_QUOTA_MB', 20, 1, 10_000),
    budgetFactor: integer('BUDGET_FACTOR', 1, 0, 1_000_000),
    webhooks: { http: allowed.includes('http'), private: allowed.includes('private') },
    backups: readBackups(read, dataFolder, storage.kind),
    logLevel: read(
      'LOG_LEVEL',
      'info' as const,
      (value) => LOG_LEVELS.find((level) => level === value),
      `must be one of ${LOG_LEVELS.join(', ')}.`,
    ),
    telemetry: readTelemetry(read),
  }
  if (problems.length > 0) {
    throw new Error(`The configuration is invalid:\n${problems.map((p) => `  ${p}`).join('\n')}`)
  }
  return config
}

/** Used unless AUTH_SECRET is set. */
export const secretPath = ({ dataFolder }: Pick<Config, 'dataFolder'>): string =>
  join(dataFolder, 'secret')

const parseStorage = (
  value: string,
  options: Pick<PostgresConfig, 'poolSize' | 'sharding'>,
): Storage | undefined => {
  if (value === 'memory:') return { kind: 'memory' }
  if (value.startsWith('sqlite:')) {
    const path = value.replace(/^sqlite:(\/\/)?/, '')
    return path === '' ? undefined : { kind: 'sqlite', path }
  }
  if (!/^postgres(ql)?:\/\/./.test(value)) return undefined
  parseDatabaseUrl(value)
  return { kind: 'postgres', url: value, ...options }
}

/** An IPv6 address may stand in brackets, as in a URL. */
const parseHost = (value: string): string | undefined => {
  const host = value.replace(/^\[(.*)\]$/, '$1')
  return isIPv6(host) || (/^[\w.-]+$/.test(value) && URL.canParse(`http://${value}`))
    ? host
    : undefined
}

const parseAllowed = (value: string): string[] | undefined => {
  const words = value.split(',').map((word) => word.trim())
  return words.every((word) => word === 'http' || word === 'private') ? words : undefined
}
