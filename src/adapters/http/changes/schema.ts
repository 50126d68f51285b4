import { Type as t } from '@sinclair/typebox'
import { references, revision } from '../openapi/schema.ts'
import { taskRef } from '../tasks/schema.ts'

const Change = t.Union(
  [
    t.Object({ op: t.Literal('upsert'), revision, task: t.Unsafe(taskRef.Task) }),
    t.Object({ op: t.Literal('delete'), revision, id: t.String({ format: 'uuid' }) }),
  ],
  { description: 'The latest state of a task, or the id of a deleted one.' },
)

const { Change: change } = references({ Change })

const Changes = t.Object({
  changes: t.Array(t.Unsafe(change)),
  revision: t.Integer({ minimum: 0, description: 'The last revision that this page covers.' }),
  cursor: t.String({ description: 'The position after this page, for since.' }),
  has_more: t.Boolean({ description: 'Whether there are more changes after this page.' }),
})

export const changeSchemas = { Change, Changes }

export const changeRef = references(changeSchemas)
