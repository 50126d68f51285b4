import { type FormEvent, useState } from 'react'
import { auth } from './taskport.ts'

export const SignIn = () => {
  const [isNew, setIsNew] = useState(true)
  const [problem, setProblem] = useState('')

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const text = (name: string) => String(form.get(name) ?? '')
    const credentials = { email: text('email'), password: text('password') }
    const { error } = isNew
      ? await auth.signUp.email({ name: text('name'), ...credentials })
      : await auth.signIn.email(credentials)
    setProblem(error ? (error.message ?? 'The server cannot be reached.') : '')
  }

  return (
    <form onSubmit={submit}>
      <h1>{isNew ? 'Sign up' : 'Sign in'}</h1>
      {isNew && <input name="name" placeholder="Name" required />}
      <input name="email" type="email" placeholder="Email" autoComplete="username" required />
      <input
        name="password"
        type="password"
        placeholder="Password"
        autoComplete={isNew ? 'new-password' : 'current-password'}
        minLength={8}
        required
      />
      <button type="submit">{isNew ? 'Sign up' : 'Sign in'}</button>
      <button type="button" onClick={() => setIsNew(!isNew)}>
        {isNew ? 'I have an account' : 'I am new'}
      </button>
      <p role="alert">{problem}</p>
    </form>
  )
}
