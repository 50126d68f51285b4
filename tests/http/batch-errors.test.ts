import { expect, test } from 'bun:test'
import { withPaths } from '../../src/adapters/http/tasks/batch.ts'
import { DomainError } from '../../src/domain/errors.ts'

const DETAIL = 'must have 1 to 200 characters.'

const errorOf = (error: Error): Promise<unknown> =>
  withPaths(Promise.reject(error)).catch((thrown) => thrown)

test('an error of an operation names it by its path in the body', async () => {
  const version = { revision: 7, timeline: 'k3f9a' }
  const stale = new DomainError('stale', 'The task has changed.', { version, operation: 3 })
  expect(await errorOf(stale)).toMatchObject({
    kind: 'stale',
    message: 'The task has changed.',
    version,
    issues: [{ field: 'operations/3', detail: 'The task has changed.' }],
  })
  const title = { field: 'title', detail: DETAIL }
  const invalid = new DomainError('invalid', 'Correct the fields.', {
    issues: [title, { ...title, operation: 4 }],
    operation: 3,
  })
  expect(await errorOf(invalid)).toMatchObject({
    issues: [
      { field: 'operations/3/body/title', detail: DETAIL },
      { field: 'operations/4/body/title', detail: DETAIL },
    ],
  })
})

test('any other error keeps its fields', async () => {
  const issues = [{ field: 'operations/0/body/title', detail: DETAIL }]
  expect(await errorOf(new DomainError('invalid', 'Correct it.', { issues }))).toMatchObject({
    issues,
  })
  const broken = new Error('broken')
  expect(await errorOf(broken)).toBe(broken)
})
