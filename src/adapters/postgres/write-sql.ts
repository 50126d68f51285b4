import type { Write } from '../../domain/plan.ts'
import { marksIn, PRESENT } from './histories.ts'
import { COLUMNS_OF, FIRST, MANY, one, SOURCE, type Source } from './step-columns.ts'

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
