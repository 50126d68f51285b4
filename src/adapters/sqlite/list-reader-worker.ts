import { Database, type SQLQueryBindings } from 'bun:sqlite'
import { chunksOf } from '../../application/documents.ts'
import type { Version } from '../../domain/version.ts'
import type { ListQuery, ReaderMessage } from './list-reader.ts'
import { listStatements, rowsLeft, SELECT_OWNER } from './read-tasks.ts'

declare const self: Worker

type Row = { document: string; format: number }

let db: Database | undefined

const send = (message: ReaderMessage, transfer: ArrayBuffer[] = []): void =>
  self.postMessage(message, transfer)

/** In one transaction, so the version is that of the list. */
const read = (open: Database, { owner, query, page }: ListQuery): void => {
  let count = 0
  function* rows(): Generator<Row> {
    for (const { text, parameters } of listStatements(owner, query, page)) {
      const left = rowsLeft(page, count)
      if (left === 0) return
      for (const row of open.query<Row, SQLQueryBindings[]>(text).iterate(...parameters, left)) {
        count++
        yield row
      }
    }
  }
  open.transaction(() => {
    const state = open.query<Version, [string]>(SELECT_OWNER).get(owner)
    for (const chunk of chunksOf(rows())) send({ chunk }, [chunk.buffer])
    send({ count, version: { revision: state?.revision ?? 0, timeline: state?.timeline ?? '' } })
  })()
}

/** The first message is the path of the database, the others are lists to read. */
self.onmessage = ({ data }: MessageEvent<string | ListQuery>) => {
  try {
    if (typeof data === 'string') db = new Database(data, { readonly: true, strict: true })
    else if (db) read(db, data)
  } catch (error) {
    send({ error: error instanceof Error ? error : new Error(String(error)) })
  }
}
