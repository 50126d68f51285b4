import { type FormEvent, useState } from 'react'
import { type Task, TaskportError } from 'taskport-client'
import { formatDue } from './due-date.ts'
import { auth, tasks } from './taskport.ts'
import { useTasks } from './use-tasks.ts'

export const TaskList = ({ name }: { name: string }) => {
  const { list, status } = useTasks()
  const [problem, setProblem] = useState('')

  const attempt = (work: Promise<unknown>) =>
    work.then(
      () => {
        setProblem('')
        return true
      },
      (error: unknown) => {
        setProblem(error instanceof TaskportError ? error.message : 'The server cannot be reached.')
        return false
      },
    )

  const add = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const fields = new FormData(form)
    const due = String(fields.get('due') ?? '')
    // The input gives local time without an offset, which the server does not guess.
    const due_date = due === '' ? null : new Date(due).toISOString()
    const created = tasks.create({ title: String(fields.get('title')), due_date })
    if (await attempt(created)) form.reset()
  }

  const item = (task: Task) => (
    <li key={task.id}>
      <label>
        <input
          type="checkbox"
          checked={task.completed}
          onChange={() => attempt(tasks.complete(task.id, !task.completed))}
        />
        {task.title} {task.due_date && formatDue(task.due_date)}
      </label>
      <button type="button" onClick={() => attempt(tasks.delete(task.id))}>
        Delete
      </button>
    </li>
  )

  return (
    <>
      <h1>Tasks of {name}</h1>
      <form onSubmit={add}>
        <input name="title" placeholder="Title" required />
        <input name="due" type="datetime-local" />
        <button type="submit">Add</button>
      </form>
      <p role="alert">{problem}</p>
      <ul>{list.map(item)}</ul>
      <p role="status">{status}</p>
      <button type="button" onClick={() => auth.signOut()}>
        Sign out
      </button>
    </>
  )
}
