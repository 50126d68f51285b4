import pg from 'pg'
import { OUTAGE_STATE } from './outage-state.ts'

/** The driver's own errors are about the connection. */
export const isOutage = (error: unknown): boolean =>
  !(error instanceof pg.DatabaseError) || OUTAGE_STATE.test(error.code ?? '')
