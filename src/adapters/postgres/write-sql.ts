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

export type Column = keyof typeof COLUMNS

const ALL = Object.keys(COLUMNS) as Column[]

/** The columns whose values a single write gives, by what it does. */
export const COLUMNS_OF: Record<Write['op'], readonly Column[]> = {
  create: ALL.filter((name) => name !== 'op' && name !== 'revision'),
  replace: ALL.filter((name) => name !== 'op' && name !== 'created_at'),
  remove: ['nth', 'id', 'revision'],
  keep: ['id', 'revision'],
}

/** Of each of several writes. */
export const COLUMNS_OF_MANY: readonly Column[] = ALL

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
  const [op] = ops
  const given = single && op ? COLUMNS_OF[op] : undefined
  const next = FIRST + (given?.length ?? 1)
  const step = given ? one(given) : MANY
  const parts = [
    ...(given ? [] : [SOURCE]),
    ops.size === 1 && ops.has('create') ? NOTHING_SEEN : given ? seenOne(step) : SEEN,
    OWNER,
    ...(ops.size > (ops.has('keep') ? 1 : 0) ? [waked(next)] : []),
    ...(ops.has('create') ? [created(step)] : []),
    ...(ops.has('replace') ? [replaced(step)] : []),
    ...(ops.has('remove') ? [removed(step, next)] : []),
    ...(receipt ? [stored(next)] : []),
  ]
  const text = `with ${parts.join()} select (select base from owner) as base, found from seen`
  texts.set(kind, text)
  return text
}

const texts = new Map<string, string>()

/** The first parameter that describes the writes. */
const FIRST = 5

/** Where the values of writes come from. */
type Source = Readonly<{
  of(name: Column): string
  /** What stands after `from owner`, and the condition that goes with it. */
  from: string
  where(op: Write['op']): string
}>

/** Parameters of their own, which is quicker than JSON. */
const one = (given: readonly Column[]): Source => ({
  of: (name) => `$${FIRST + given.indexOf(name)}::text::${COLUMNS[name]}`,
  from: '',
  where: () => 'true',
})

const MANY: Source = {
  of: (name) => `step.${name}`,
  from: ', step',
  where: (op) => `step.op = '${op}'`,
}

const SOURCE = `
  step as (select ${Object.entries(COLUMNS)
    .map(([name, type], n) => `(row ->> ${n})::${type} as ${name}`)
    .join()} from json_array_elements($${FIRST}::text::json) as row)`

const NOTHING_SEEN = `
  seen as (select true as found)`

const seenOne = ({ of }: Source): string => `
  target as (
    select id from taskport.tasks
    where user_id = $1::text and id = ${of('id')} and revision = ${of('revision')} for update
  ), seen as (select exists (select from target) as found)`

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

const INSERTED = COLUMNS_OF.create.filter((name) => name !== 'nth')

const created = ({ of, from, where }: Source): string => `
  created as (
    insert into taskport.tasks (user_id, revision, ${INSERTED.join()})
    select $1::text, owner.base + ${of('nth')}, ${INSERTED.map(of).join()}
    from owner${from} where ${where('create')}
  )`

const replaced = ({ of, from, where }: Source): string => `
  replaced as (
    update taskport.tasks as t set revision = owner.base + ${of('nth')},
      ${INSERTED.filter((name) => name !== 'id' && name !== 'created_at')
        .map((name) => `${name} = ${of(name)}`)
        .join()}
    from owner${from} where ${where('replace')} and t.user_id = $1::text and t.id = ${of('id')}
  )`

const removed = ({ of, from, where }: Source, at: number): string => `
  removed as (
    delete from taskport.tasks as t using owner${from}
    where ${where('remove')} and t.user_id = $1::text and t.id = ${of('id')}
  ), buried as (
    insert into taskport.deletions (user_id, revision, id, deleted_at)
    select $1::text, owner.base + ${of('nth')}, ${of('id')}, $${at}::text
    from owner${from} where ${where('remove')}
  )`

const stored = (at: number): string => `
  stored as (
    insert into taskport.receipts (user_id, key, request, changes, base, stored_at)
    select $1::text, $${at + 1}::text, $${at + 2}::text, $${at + 3}::text, base, $${at}::text
    from owner
  )`
