import type postgres from 'postgres'
import { type Address, parseDatabaseUrl } from '../pg/url.ts'

export type DriverOptions = postgres.Options<Record<string, postgres.PostgresType>>

/** Seconds. */
const KEEP_ALIVE = 20

/** The driver's types know one host only. */
const hostsOf = (servers: readonly Address[]): object => ({
  host: servers.map(({ host = 'localhost' }) => host),
  port: servers.map(({ port = 5432 }) => port),
})

/**
 * What the driver makes of a database URL. It has no channel binding: a URL that requires it has the
 * certificate verified instead. Throws like `parseDatabaseUrl`.
 */
export const driverOptions = (url: string): DriverOptions & Readonly<{ prepare: boolean }> => {
  const { addresses, user, password, database, ...given } = parseDatabaseUrl(url)
  const ways = addresses.map(({ ssl }) => ssl)
  const plain = ways.includes(false)
  const encrypted = ways.find((ssl) => ssl !== false)
  const servers = addresses.filter(({ ssl }) => ssl === addresses[0]?.ssl)
  return {
    ...hostsOf(servers),
    ...(user && { user }),
    ...(password && { password }),
    ...(database && { database }),
    ssl: !encrypted
      ? false
      : plain
        ? 'prefer'
        : { ...encrypted, ...(given.channelBinding && { rejectUnauthorized: true }) },
    ...(given.connectTimeout && { connect_timeout: given.connectTimeout / 1000 }),
    keep_alive: KEEP_ALIVE,
    backoff: () => 0.1,
    ...(given.writable && { target_session_attrs: 'read-write' as const }),
    connection: {
      application_name: given.application_name ?? 'taskport',
      ...(given.options && { options: given.options }),
    },
    prepare: !given.pooler,
    fetch_types: false,
    onnotice: () => {},
  }
}
