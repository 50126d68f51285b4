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

/** Of each of several writes. */
export const COLUMNS_OF_MANY = Object.keys(COLUMNS) as Column[]

/** The columns whose values a single write gives, by what it does. */
export const COLUMNS_OF: Record<Write['op'], readonly Column[]> = {
  create: COLUMNS_OF_MANY.filter((name) => name !== 'op' && name !== 'revision'),
  replace: COLUMNS_OF_MANY.filter((name) => name !== 'op' && name !== 'created_at'),
  remove: ['nth', 'id', 'revision'],
  keep: ['id', 'revision'],
}

/** The first parameter that describes the writes. */
export const FIRST = 5

/** Where the values of writes come from. */
export type Source = Readonly<{
  of(name: Column): string
  /** What stands after `from owner`, and the condition that goes with it. */
  from: string
  where(op: Write['op']): string
}>

/** Parameters of their own, which is quicker than JSON. */
export const one = (given: readonly Column[]): Source => ({
  of: (name) => `$${FIRST + given.indexOf(name)}::text::${COLUMNS[name]}`,
  from: '',
  where: () => 'true',
})

export const MANY: Source = {
  of: (name) => `step.${name}`,
  from: ', step',
  where: (op) => `step.op = '${op}'`,
}

export const SOURCE = `
  step as (select ${Object.entries(COLUMNS)
    .map(([name, type], n) => `(row ->> ${n})::${type} as ${name}`)
    .join()} from json_array_elements($${FIRST}::text::json) as row)`
