import type { Config } from './config.ts'

/** What a person who has just started the server can do next, for the terminal. */
export const welcome = (url: string, { tokens, storage }: Config): string => {
  const place = storage.kind === 'sqlite' ? `SQLite in ${storage.path}` : storage.kind
  const bun = process.execPath.includes('_npx') ? `npx --yes bun@${Bun.version}` : 'bun'
  const token =
    tokens.jwksUrl !== undefined && tokens.secret === undefined
      ? '<a token from your identity provider>'
      : `$(${bun} run --silent token -- --sub alice)`
  return `
Taskport listens on ${url} (${place}). Interactive documentation: ${url}/docs
Create a task from another terminal in this folder:

  curl -s ${url}/api/tasks -H "Authorization: Bearer ${token}" -H "Content-Type: application/json" -d '{"title":"Buy milk"}'

`
}
