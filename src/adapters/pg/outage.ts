import pg from 'pg'

/** Connection, resources, operator intervention, rollback, lock timeout, read-only standby. */
const OUTAGE_STATE = /^(08|53|57|40|55P03|25006)/

/** The driver's own errors are about the connection. */
export const isOutage = (error: unknown): boolean =>
  !(error instanceof pg.DatabaseError) || OUTAGE_STATE.test(error.code ?? '')
