/**
 * No two histories share an epoch: it changes with every start of the server, wherever that reads
 * its files from, and from database to database, and when another table takes this one's place.
 */
export const PRESENT = `
  present as (
    select extract(epoch from pg_postmaster_start_time())::text || ' '
      || pg_relation_filepath('taskport.users') as epoch
  )`

/** The marks of the row `u` in an epoch: with each a new one begins, and the oldest of 32 goes. */
export const marksIn = (epoch: string): string => `
  case when u.epoch = ${epoch} then u.marks else
    u.marks[greatest(cardinality(u.marks) - 30, 1):]
      || (u.revision + 1 || ' ' || (random() * 1e15)::bigint) end`
