import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { SignIn } from './sign-in.tsx'
import { TaskList } from './task-list.tsx'
import { auth } from './taskport.ts'

const App = () => {
  const { data, isPending } = auth.useSession()
  if (isPending) return <p>Loading…</p>
  return data ? <TaskList key={data.user.id} name={data.user.name} /> : <SignIn />
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
