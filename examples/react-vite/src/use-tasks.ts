import { useEffect, useState } from 'react'
import type { FollowedChanges, FollowStatus, Task } from 'taskport-client'
import { tasks } from './taskport.ts'

type Tasks = ReadonlyMap<string, Task>

const apply = (copy: Tasks, { changes, reset }: FollowedChanges): Tasks => {
  const next = new Map(reset ? [] : copy)
  for (const change of changes) {
    if (change.op === 'upsert') next.set(change.task.id, change.task)
    else next.delete(change.id)
  }
  return next
}

/** All tasks of the user, kept up to date for as long as the component is shown. */
export const useTasks = () => {
  const [copy, setCopy] = useState<Tasks>(new Map())
  const [status, setStatus] = useState<FollowStatus['status'] | 'ended'>('connecting')

  useEffect(() => {
    const control = new AbortController()
    const { signal } = control
    const follow = async () => {
      const onStatus = ({ status }: FollowStatus) => setStatus(status)
      for await (const news of tasks.follow({ signal, onStatus })) {
        setCopy((copy) => apply(copy, news))
      }
    }
    follow().catch(() => setStatus('ended'))
    return () => control.abort()
  }, [])

  return { list: [...copy.values()].sort((one, other) => (one.id < other.id ? 1 : -1)), status }
}
