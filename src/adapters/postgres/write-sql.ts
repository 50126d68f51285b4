import type { Write } from '../../domain/plan.ts'

/** The columns of `step`, and of what each the text is cast to. */
const COLUMNS = {
  op: 'text',
  nth: 'bigint',
  id: 'uuid',
  revision: 'bigint',
  title: 'text',
  description: 'text',
  completed: 'boolean',
  priority: 'text',
  due_date: 'text',
  remind_at: 'text',
  reminded_at: 'text',
  created_at: 'text',
  updated_at: 'text',
  title_key: 'text',
  due_key: 'text',
  search_text: 'text',
} as const

/**
 * The text of a step with these operations, put together once for each kind. Its parameters: owner,
 * revisions taken, tasks added, quota; the columns of a single write, or all writes as JSON; then, as
 * far as needed, the time and the receipt's key, request and changes.
 */
export const textFor = (
  ops: ReadonlySet<Write['op']>,
  single: boolean,
  receipt: boolean,
): string => {
  const kind = [...ops].sort().join() + single + receipt
  const known = texts.get(kind)
  if (known) return known
  const fresh = ops.size === 1 && ops.has('create')
  const next = single ? FIRST + Object.keys(COLUMNS).length : FIRST + 1
  const parts = [
    single ? ONE : MANY,
    fresh ? NOTHING_SEEN : SEEN,
    OWNER,
    ...(ops.size > (ops.has('keep') ? 1 : 0) ? [waked(next)] : []),
    ...(ops.has('create') ? [CREATED] : []),
    ...(ops.has('replace') ? [REPLACED] : []),
    ...(ops.has('remove') ? [removed(next)] : []),
    ...(receipt ? [stored(next)] : []),
  ]
  const text = `with ${parts.join()} select (select base from owner) as base, found from seen`
  texts.set(kind, text)
  return text
}

const texts = new Map<string, string>()

/** The first parameter that describes the writes. */
const FIRST = 5

/** Spelt out, which is quicker than JSON. */
const ONE = `
  step as (select ${Object.entries(COLUMNS)
    .map(([name, type], n) => `$${FIRST + n}::text::${type} as ${name}`)
    .join()})`

const MANY = `
  step as (select ${Object.entries(COLUMNS)
    .map(([name, type], n) => `(row ->> ${n})::${type} as ${name}`)
    .join()} from json_array_elements($${FIRST}::text::json) as row)`

const NOTHING_SEEN = `
  seen as (select true as found)`

const SEEN = `
  target as (
    select t.id from taskport.tasks as t
    join step on step.op <> 'create' and step.id = t.id and step.revision = t.revision
    where t.user_id = $1::text
    order by t.id for update of t
  ), seen as (
    select (select count(*) from target) = (select count(*) from step where op <> 'create') as found
  )`

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

const OWNER = `${PRESENT}, owner as (
    insert into taskport.users as u (id, revision, task_count, epoch, marks)
    select $1::text, $2::text::bigint, $3::text::integer, epoch,
      array[1 || ' ' || (random() * 1e15)::bigint]
    from seen, present where found and $3::text::integer <= $4::text::integer
    on conflict (id) do update set revision = u.revision + excluded.revision,
      task_count = u.task_count + excluded.task_count, epoch = excluded.epoch,
      marks = ${marksIn('excluded.epoch')}
    where u.task_count + excluded.task_count <= $4::text::integer or excluded.task_count <= 0
    returning revision - $2::text::bigint as base
  )`

/** Makes the webhooks of an owner whose tasks have changed due. */
const waked = (at: number): string => `
  waked as (
    update taskport.webhooks as w set due_at = coalesce(w.due_at, $${at}::text),
      version = w.version + 1
    from owner where w.user_id = $1::text and w.disabled is null
  )`

const CREATED = `
  created as (
    insert into taskport.tasks (id, user_id, title, description, completed, priority, due_date,
      remind_at, reminded_at, created_at, updated_at, revision, title_key, due_key, search_text)
    select id, $1::text, title, description, completed, priority, due_date, remind_at, reminded_at,
      created_at, updated_at, owner.base + nth, title_key, due_key, search_text
    from step, owner where op = 'create'
  )`

const REPLACED = `
  replaced as (
    update taskport.tasks as t set title = step.title, description = step.description,
      completed = step.completed, priority = step.priority, due_date = step.due_date,
      remind_at = step.remind_at, reminded_at = step.reminded_at,
      updated_at = step.updated_at, revision = owner.base + step.nth, title_key = step.title_key,
      due_key = step.due_key, search_text = step.search_text
    from step, owner where step.op = 'replace' and t.user_id = $1::text and t.id = step.id
  )`

const removed = (at: number): string => `
  removed as (
    delete from taskport.tasks as t using step, owner
    where step.op = 'remove' and t.user_id = $1::text and t.id = step.id
  ), buried as (
    insert into taskport.deletions (user_id, revision, id, deleted_at)
    select $1::text, owner.base + nth, id, $${at}::text from step, owner where op = 'remove'
  )`

const stored = (at: number): string => `
  stored as (
    insert into taskport.receipts (user_id, key, request, changes, base, stored_at)
    select $1::text, $${at + 1}::text, $${at + 2}::text, $${at + 3}::text, base, $${at}::text
    from owner
  )`
