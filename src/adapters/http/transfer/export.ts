import type { Task } from '../../../domain/task.ts'
import { formatVersion, type Version } from '../../../domain/version.ts'
import type { Webhook } from '../../../domain/webhook.ts'
import { serializeWebhook } from '../webhooks/schema.ts'

/** The parts of an export around and between its tasks. */
export type Writer = Readonly<{
  type: string
  extension: string
  begin(): string
  task(document: string): string
  end(tasks: number): string
}>

type Context = Readonly<{
  owner: string
  version: Version
  at: string
  webhooks: readonly Webhook[]
}>

const line = (value: object): string => `${JSON.stringify(value)}\n`

/** One JSON object on each line; the last one says that the export is whole. */
export const ndjson = ({ owner, version, at, webhooks }: Context): Writer => ({
  type: 'application/x-ndjson',
  extension: 'ndjson',
  begin: () =>
    line({ type: 'export', user_id: owner, version: formatVersion(version), exported_at: at }) +
    webhooks.map((each) => line({ type: 'webhook', webhook: serializeWebhook(each) })).join(''),
  task: (document) => `{"type":"task","task":${document}}\n`,
  end: (tasks) => line({ type: 'end', tasks, webhooks: webhooks.length }),
})

const COLUMNS = [
  'id',
  'title',
  'description',
  'completed',
  'priority',
  'due_date',
  'remind_at',
  'reminded_at',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof Task)[]

/** Tasks only (RFC 4180). A spreadsheet takes no cell for a formula. */
export const csv = (): Writer => ({
  type: 'text/csv; charset=utf-8',
  extension: 'csv',
  begin: () => `${COLUMNS.join()}\r\n`,
  task: (document) => {
    const task = JSON.parse(document) as Task
    return `${COLUMNS.map((name) => cellOf(task[name])).join()}\r\n`
  },
  end: () => '',
})

const cellOf = (value: string | boolean | null): string => {
  const text = String(value ?? '')
  const safe = /^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** From a JSON array with a task on each line, as lists are. */
export const exported = (
  tasks: ReadableStream<Uint8Array>,
  { begin, task, end }: Writer,
): ReadableStream<Uint8Array> => {
  const [decoder, encoder] = [new TextDecoder(), new TextEncoder()]
  let rest = ''
  let count = 0
  const write = (lines: readonly string[]): string =>
    lines
      .map((text) => text.replace(/^\[/, '').replace(/[,\]]$/, ''))
      .filter((document) => document !== '')
      .map((document) => {
        count++
        return task(document)
      })
      .join('')
  return tasks.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode(begin())),
      transform: (chunk, controller) => {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
        rest = lines.pop() ?? ''
        const text = write(lines)
        if (text !== '') controller.enqueue(encoder.encode(text))
      },
      flush: (controller) => controller.enqueue(encoder.encode(write([rest]) + end(count))),
    }),
  )
}
