import { Type as t } from '@sinclair/typebox'
import { references, revision } from '../openapi/schema.ts'
import { taskRef } from '../tasks/schema.ts'

const TaskUpsert = t.Object(
  { op: t.Literal('upsert'), revision, task: t.Unsafe(taskRef.Task) },
  { $id: 'TaskUpsert' },
)

const TaskDeletion = t.Object(
  { op: t.Literal('delete'), revision, id: t.String({ format: 'uuid' }) },
  { $id: 'TaskDeletion' },
)

const Change = t.Union([TaskUpsert, TaskDeletion], {
  description: 'The latest state of a task, or the id of a deleted one.',
  discriminator: { propertyName: 'op' },
})

const { Change: change } = references({ Change })

const Changes = t.Object({
  changes: t.Array(t.Unsafe(change)),
  revision: t.Integer({ minimum: 0, description: 'The last revision that this page covers.' }),
  cursor: t.String({ description: 'The position after this page, for since.' }),
  has_more: t.Boolean({ description: 'Whether there are more changes after this page.' }),
})

export const changeSchemas = { Change, TaskUpsert, TaskDeletion, Changes }

export const changeRef = references(changeSchemas)
