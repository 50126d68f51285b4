import type { Config } from './config.ts'

export const welcome = (url: string, { identity, tokens, storage }: Config): string => {
  const place = storage.kind === 'sqlite' ? `SQLite in ${storage.path}` : storage.kind
  const bun = process.execPath.includes('_npx') ? `npx --yes bun@${Bun.version}` : 'bun'
  const json = `-H 'Content-Type: application/json' -d`
  const steps = identity
    ? [
        `curl -s -c cookies.txt ${url}/api/auth/sign-up/email ${json} '{"name":"Ada","email":"ada@example.com","password":"correct horse"}'`,
        `TOKEN=$(curl -s -b cookies.txt ${url}/api/auth/token | cut -d '"' -f 4)`,
      ]
    : tokens.secret !== undefined
      ? [`TOKEN=$(${bun} run --silent token -- --sub alice)`]
      : [`TOKEN='<a token from your identity provider>'`]
  const create = `curl -s ${url}/api/tasks -H "Authorization: Bearer $TOKEN" ${json} '{"title":"Buy milk"}'`
  return `
Taskport listens on ${url} (${place}). Interactive documentation: ${url}/docs
${identity ? 'Sign up, get a token and create a task' : 'Get a token and create a task'} from another terminal:

${[...steps, create].map((line) => `  ${line}`).join('\n')}

`
}
