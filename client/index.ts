import { follow } from './follow.ts'
import { queryOf, type Received, requester } from './request.ts'
import type {
  Change,
  ChangesPage,
  ExpectedVersion,
  Task,
  taskport as Taskport,
  WriteOptions,
} from './types.ts'

export { betterAuthToken } from './better-auth-token.ts'
export { TaskportError } from './error.ts'
export type * from './types.ts'

export const taskport: typeof Taskport = (options) => {
  const connection = { ...options, url: options.url.replace(/\/+$/, '') }
  const request = requester(connection)
  const etags = new WeakMap<object, string>()

  /** A task that came without an ETag, as in a list, is expected by its revision. */
  const expectation = (version: ExpectedVersion | undefined): Record<string, string> => {
    if (version === undefined) return {}
    if (typeof version === 'string') return { 'if-match': version }
    if (typeof version === 'number') return { 'if-match': `"${version}"` }
    return { 'if-match': etags.get(version) ?? `"${version.revision}"` }
  }
  const write = <Body>(
    method: string,
    path: string,
    body?: unknown,
    { ifMatch, ...rest }: WriteOptions = {},
  ): Promise<Received<Body>> =>
    request<Body>(method, path, { ...rest, headers: expectation(ifMatch), body })
  const taskOf = async (received: Promise<Received<Task>>): Promise<Task> => {
    const { headers, body } = await received
    const etag = headers.get('etag')
    if (etag !== null) etags.set(body, etag)
    return body
  }
  const at = (id: string): string => `/api/tasks/${encodeURIComponent(id)}`

  return {
    list: async (query = {}, options) =>
      (await request<Task[]>('GET', `/api/tasks${queryOf(query)}`, options)).body,

    async *pages(query = {}, limit = 100, options) {
      let path: string | undefined = `/api/tasks${queryOf({ ...query, limit })}`
      while (path !== undefined) {
        const { body, headers }: Received<Task[]> = await request<Task[]>('GET', path, options)
        yield body
        path = /<([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1]
      }
    },

    get: (id, options) => taskOf(request('GET', at(id), options)),

    create: (draft, options) => taskOf(write('POST', '/api/tasks', draft, options)),

    update: (id, patch, options) => taskOf(write('PATCH', at(id), patch, options)),

    complete: (id, completed = true, options) =>
      taskOf(write('PATCH', `${at(id)}/complete`, { completed }, options)),

    delete: async (id, options) => {
      await write('DELETE', at(id), undefined, options)
    },

    etag: (task) => etags.get(task),

    batch: async (operations, options) => {
      const path = '/api/tasks/batch'
      return (await write<{ changes: Change[] }>('POST', path, { operations }, options)).body
        .changes
    },

    changes: async (range = {}, options) =>
      (await request<ChangesPage>('GET', `/api/changes${queryOf(range)}`, options)).body,

    follow: (options = {}) => follow(connection, options),
  }
}
