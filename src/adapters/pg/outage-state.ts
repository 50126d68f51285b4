/** SQLSTATEs: connection, resources, operator intervention, rollback, lock timeout, read-only standby. */
export const OUTAGE_STATE = /^(08|53|57|40|55P03|25006)/
