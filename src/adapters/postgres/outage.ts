import postgres from 'postgres'
import { DomainError } from '../../domain/errors.ts'
import { OUTAGE_STATE } from '../pg/outage-state.ts'

const OUTAGE_CODES = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'FailedToOpenSocket',
])

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

export const isOutage = (error: unknown): boolean => {
  if (error instanceof DomainError) return error.kind === 'unavailable'
  const code = codeOf(error)
  return (
    OUTAGE_CODES.has(code) || (error instanceof postgres.PostgresError && OUTAGE_STATE.test(code))
  )
}
