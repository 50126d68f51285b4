import type { Config } from './config.ts'
import { isOneFile } from './this-program.ts'

const HERE = /^(127\.0\.0\.1|0\.0\.0\.0|\[::1?\])$/

/** `localhost`, which is the same site for all front ends of this machine. */
const printed = (address: string): string => {
  const url = new URL(address)
  if (HERE.test(url.hostname)) url.hostname = 'localhost'
  return url.origin
}

export const welcome = (address: string, config: Config): string => {
  const { identity, tokens, storage } = config
  const url = config.publicUrl ?? printed(address)
  const place = storage.kind === 'sqlite' ? `SQLite in ${storage.path}` : storage.kind
  const bun = process.execPath.includes('_npx') ? `npx --yes bun@${Bun.version}` : 'bun'
  const token = isOneFile ? `${process.execPath} token` : `${bun} run --silent token --`
  const json = `-H 'Content-Type: application/json' -d`
  const steps = identity
    ? [
        `curl -s -c cookies.txt ${url}/api/auth/sign-up/email ${json} '{"name":"Ada","email":"ada@example.com","password":"correct horse"}'`,
        `TOKEN=$(curl -s -b cookies.txt ${url}/api/auth/token | cut -d '"' -f 4)`,
      ]
    : tokens.secret !== undefined
      ? [`TOKEN=$(${token} --sub alice)`]
      : [`TOKEN='<a token from your identity provider>'`]
  const create = `curl -s ${url}/api/tasks -H "Authorization: Bearer $TOKEN" ${json} '{"title":"Buy milk"}'`
  return `
Taskport listens on ${url} (${place}). Interactive documentation: ${url}/docs
${identity ? 'Sign up, get a token and create a task' : 'Get a token and create a task'} from another terminal:

${[...steps, create].map((line) => `  ${line}`).join('\n')}

`
}
