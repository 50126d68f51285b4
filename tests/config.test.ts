import { describe, expect, test } from 'bun:test'
import { readConfig, secretPath } from '../src/runtime/config.ts'

const SECRET = 'a secret of at least thirty-two bytes'

test('an empty environment is a working configuration', () => {
  for (const environment of [
    {},
    { PORT: '', DATABASE_URL: ' ', NEON_DB_URL: '', CORS_ORIGINS: '' },
  ]) {
    const config = readConfig(environment)
    expect(config).toEqual({
      host: '127.0.0.1',
      port: 8000,
      workers: 1,
      worker: false,
      storage: { kind: 'sqlite', path: './data/taskport.db' },
      dataFolder: './data',
      tokens: {},
      identity: { signUp: 'open', passwords: true },
      corsOrigins: [],
      taskQuota: 10_000,
      storageQuota: 20,
      budgetFactor: 1,
      webhooks: { http: false, private: false },
      backups: { folder: 'data/backups', keep: 7 },
      logLevel: 'info',
      telemetry: { logClient: [] },
    })
    expect(secretPath(config)).toBe('data/secret')
  }
})

test('everything can be configured', () => {
  const config = readConfig({
    HOST: '0.0.0.0',
    PORT: '80',
    WORKERS: '4',
    DATABASE_URL: 'postgres://u:p@db/tasks?sslmode=require',
    DATABASE_POOL_SIZE: '25',
    BETTER_AUTH_SECRET: SECRET,
    AUTH_JWKS_URL: 'https://id.example.com/jwks',
    AUTH_ISSUER: 'https://id.example.com',
    AUTH_AUDIENCE: 'taskport',
    CORS_ORIGINS: 'https://app.example.com, http://localhost:3000',
    TRUST_PROXY: 'X-Forwarded-For',
    PUBLIC_URL: 'https://tasks.example.com/',
    DATABASE_SHARDING: 'citus',
    TASK_QUOTA: '5',
    STORAGE_QUOTA_MB: '7',
    BUDGET_FACTOR: '0',
    WEBHOOK_ALLOW: 'http, private',
    BACKUP_DIR: '/var/backups/taskport',
    BACKUP_EVERY: '24h',
    BACKUP_KEEP: '3',
    LOG_LEVEL: 'debug',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otel.example.com',
    OTEL_EXPORTER_OTLP_HEADERS: 'Api-Key=a=b%20c, other=1',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_SERVICE_NAME: 'tasks',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    LOG_CLIENT: 'user-agent, address',
    METRICS_PORT: '9100',
    METRICS_TOKEN: '0123456789abcdef',
  })
  expect(config).toEqual({
    host: '0.0.0.0',
    port: 80,
    workers: 4,
    worker: false,
    storage: {
      kind: 'postgres',
      url: 'postgres://u:p@db/tasks?sslmode=require',
      poolSize: 25,
      sharding: 'citus',
    },
    dataFolder: './data',
    tokens: {
      secret: SECRET,
      jwksUrl: 'https://id.example.com/jwks',
      issuer: 'https://id.example.com',
      audience: 'taskport',
    },
    trustProxy: 'X-Forwarded-For',
    publicUrl: 'https://tasks.example.com',
    corsOrigins: ['https://app.example.com', 'http://localhost:3000'],
    taskQuota: 5,
    storageQuota: 7,
    budgetFactor: 0,
    webhooks: { http: true, private: true },
    backups: { folder: '/var/backups/taskport', every: 86_400_000, keep: 3 },
    logLevel: 'debug',
    telemetry: {
      metrics: { port: 9100, token: '0123456789abcdef' },
      spans: {
        endpoint: 'https://otel.example.com',
        headers: { 'api-key': 'a=b c', other: '1' },
        service: 'tasks',
        ratio: 0.25,
      },
      logClient: ['address', 'user-agent'],
    },
  })
})

test('reading it loads no package', async () => {
  const script = `
    await import('${import.meta.dir}/../src/runtime/config.ts')
    console.log(Object.keys(require.cache).join('\\n'))`
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
  const loaded = await new Response(child.stdout).text()
  expect(loaded).toContain('src/runtime/config.ts')
  expect(loaded).not.toContain('node_modules')
})

describe('DATABASE_URL', () => {
  test.each([
    ['memory:', { kind: 'memory' }],
    ['sqlite:tasks.db', { kind: 'sqlite', path: 'tasks.db' }],
    ['sqlite:/var/lib/tasks.db', { kind: 'sqlite', path: '/var/lib/tasks.db' }],
    ['sqlite:./data/x.db', { kind: 'sqlite', path: './data/x.db' }],
    ['sqlite://data/x.db', { kind: 'sqlite', path: 'data/x.db' }],
    ['sqlite://x.db', { kind: 'sqlite', path: 'x.db' }],
    ['sqlite://./x.db', { kind: 'sqlite', path: './x.db' }],
    ['sqlite://../x.db', { kind: 'sqlite', path: '../x.db' }],
    ['sqlite:///var/lib/tasks.db', { kind: 'sqlite', path: '/var/lib/tasks.db' }],
    [
      'postgresql://localhost/x',
      { kind: 'postgres', url: 'postgresql://localhost/x', poolSize: 10, sharding: 'none' },
    ],
  ])('%s', (url, storage) => {
    expect(readConfig({ DATABASE_URL: url, AUTH_SECRET: SECRET }).storage).toEqual(storage as never)
  })

  test('of PostgreSQL, with an option that is not supported, is refused by name', () => {
    const url = 'postgres://db/x?connection_limit=1'
    expect(() => readConfig({ DATABASE_URL: url, AUTH_SECRET: SECRET })).toThrow(
      'DATABASE_URL has the option connection_limit, which is not supported.',
    )
    expect(() => readConfig({ NEON_DB_URL: url, AUTH_SECRET: SECRET })).toThrow('NEON_DB_URL has')
  })

  test('NEON_DB_URL counts in its absence only', () => {
    const neon = 'postgres://neon/x'
    expect(readConfig({ NEON_DB_URL: neon, AUTH_SECRET: SECRET }).storage).toMatchObject({
      url: neon,
    })
    expect(readConfig({ NEON_DB_URL: neon, DATABASE_URL: 'memory:' }).storage).toEqual({
      kind: 'memory',
    })
    expect(() => readConfig({ NEON_DB_URL: 'x' })).toThrow('NEON_DB_URL')
  })
})

test('what cannot be an interval of backups is named', () => {
  for (const BACKUP_EVERY of ['24', '0h', 'h', '24 h', '1w', '1000d']) {
    expect(() => readConfig({ BACKUP_EVERY })).toThrow(/BACKUP_EVERY must be a number of minutes/)
  }
  expect(() => readConfig({ BACKUP_EVERY: '1h', DATABASE_URL: 'memory:' })).toThrow(
    /BACKUP_EVERY must be unset in memory/,
  )
  expect(() => readConfig({ BACKUP_KEEP: '0' })).toThrow(/BACKUP_KEEP must be a whole number/)
  expect(readConfig({ BACKUP_EVERY: '30m' }).backups.every).toBe(1_800_000)
  expect(readConfig({ DATABASE_URL: 'sqlite:/srv/t.db' }).backups.folder).toBe('/srv/backups')
})

test('the built-in sign-in is on exactly when no other identity provider is configured', () => {
  const elsewhere = [
    { BETTER_AUTH_SECRET: SECRET },
    { AUTH_JWKS_URL: 'https://id.example.com/jwks' },
  ]
  for (const environment of elsewhere) {
    expect(readConfig({ ...environment, DATABASE_URL: 'postgres://db/x' }).identity).toBeUndefined()
  }
  expect(readConfig({ AUTH_SECRET: SECRET }).identity).toMatchObject({ secret: SECRET })
  expect(() => readConfig({ DATABASE_URL: 'postgres://db/x' })).toThrow(
    /AUTH_SECRET must be set .*openssl rand.*AUTH_JWKS_URL/,
  )
})

test.each([
  ['HOST', '127.0.0.1:8000'],
  ['HOST', '999.1.1.1'],
  ['HOST', 'http://localhost'],
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['PORT', '80a'],
  ['PORT', '1e3'],
  ['DATABASE_URL', 'mysql://x'],
  ['DATABASE_URL', 'sqlite:'],
  ['DATABASE_URL', 'sqlite://'],
  ['DATABASE_URL', 'postgres://'],
  ['DATABASE_POOL_SIZE', '0'],
  ['BETTER_AUTH_SECRET', 'short'],
  ['BETTER_AUTH_SECRET', `-----BEGIN PUBLIC KEY-----${SECRET}`],
  ['AUTH_JWKS_URL', 'file:///etc/keys'],
  ['AUTH_JWKS_URL', 'https://'],
  ['CORS_ORIGINS', 'null'],
  ['PUBLIC_URL', 'todo.example.org'],
  ['PUBLIC_URL', 'https://example.com/tasks'],
  ['PUBLIC_URL', 'https://user@example.com'],
  ['PUBLIC_URL', 'https://example.com/?x'],
  ['PUBLIC_URL', 'ftp://example.com'],
  ['AUTH_SECRET', 'short'],
  ['TRUST_PROXY', 'x forwarded for'],
  ['TASK_QUOTA', '0'],
  ['WORKERS', '0'],
  ['WORKERS', '2'],
  ['DATABASE_SHARDING', 'hash'],
  ['DATABASE_SHARDING', 'citus'],
  ['WEBHOOK_ALLOW', 'https'],
  ['WEBHOOK_ALLOW', 'http;private'],
  ['LOG_LEVEL', 'INFO'],
])('%s=%s is refused by name, without showing the value', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`invalid:\n  ${name} must`))
  if (value.length > 11) expect(() => readConfig({ [name]: value })).not.toThrow(value)
})

describe('CORS_ORIGINS', () => {
  test.each([
    'http://localhost:5173,https://app.example.com:8443,http://[::1]:3000',
    'capacitor://localhost, tauri://localhost, myapp://',
    'com.example.app://callback, app://-',
  ])('%s', (value) => {
    const origins = value.split(',').map((origin) => origin.trim())
    expect(readConfig({ CORS_ORIGINS: value }).corsOrigins).toEqual(origins)
  })

  test.each([
    ['*', /must not have "\*": .*https:\/\/app\.example\.com/],
    ['https://a.example.com,https://*.example.com', /must not have "https:\/\/\*\.example\.com"/],
    ['https://app.example.com,,', /must not have two commas/],
    ['https://app.example.com/', /Write https:\/\/app\.example\.com instead of "https:.*\/"/],
    ['http://a.example.com,https://APP.example.com', /Write https:\/\/app\.example\.com instead/],
    ['https://app.example.com:443', /Write https:\/\/app\.example\.com instead/],
    ['http://ok.example.com,app.example.com', /"app\.example\.com" is not one/],
    ['null', /"null" is not one/],
    ['file://', /"file:\/\/" is not one/],
    ['capacitor://localhost/', /"capacitor:\/\/localhost\/" is not one/],
    ['MyApp://', /"MyApp:\/\/" is not one/],
  ])('%s is refused, and the entry named', (value, message) => {
    const read = () => readConfig({ CORS_ORIGINS: value })
    expect(read).toThrow(/invalid:\n {2}CORS_ORIGINS must/)
    expect(read).toThrow(message)
  })
})
