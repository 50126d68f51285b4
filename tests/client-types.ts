import type { taskport } from '../client/index.ts'
import type * as Client from '../client/types.ts'
import type { Change } from '../src/domain/change.ts'
import type { Task, TaskDraft, TaskPatch } from '../src/domain/task.ts'
import type { TaskQuery, TaskQueryInput } from '../src/domain/task-query.ts'

/** The compiler checks that what the client declares is what the server and the client do. */

type Flat<Type> = Type extends object ? { [Name in keyof Type]: Flat<Type[Name]> } : Type
type Same<One, Other> =
  (<Any>() => Any extends Flat<One> ? 1 : 2) extends <Any>() => Any extends Flat<Other> ? 1 : 2
    ? true
    : false
type Holds<Check extends true> = Check

export type Checks = [
  Holds<Same<Client.Task, Task>>,
  Holds<Same<Client.TaskPatch, TaskPatch>>,
  Holds<Same<Client.TaskDraft, TaskDraft>>,
  Holds<Same<Client.Change, Change>>,
  Holds<Same<keyof Client.ListQuery, keyof TaskQueryInput>>,
  Holds<Same<NonNullable<Client.ListQuery['status']>, TaskQuery['status']>>,
  Holds<Same<NonNullable<Client.ListQuery['sort']>, TaskQuery['sort']>>,
  Holds<Same<NonNullable<Client.ListQuery['order']>, TaskQuery['order']>>,
  Holds<Same<NonNullable<Client.ListQuery['priority']>, NonNullable<TaskQuery['priority']>>>,
  Holds<Same<keyof typeof import('../client/types.ts'), keyof typeof import('../client/index.ts')>>,
  Holds<typeof taskport extends typeof Client.taskport ? true : false>,
]
