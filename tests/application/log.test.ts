import { expect, test } from 'bun:test'
import { serializeError } from '../../src/application/log.ts'

test('an error is serialized with its causes, without the values in its message', () => {
  const cause = Object.assign(new TypeError('relation "taskport.x" is gone'), { code: '42P01' })
  expect(serializeError(new Error("key 'secret' failed", { cause }))).toMatchObject({
    error: {
      name: 'Error',
      message: 'key "…" failed',
      frames: expect.any(Array),
      cause: { error: { name: 'TypeError', message: 'relation "…" is gone', code: '42P01' } },
    },
  })
})

test('what is thrown and no Error is serialized too; nothing is nothing', () => {
  expect(serializeError('no key "abc"')).toEqual({
    error: { name: 'string', message: 'no key "…"' },
  })
  expect(serializeError(null)).toEqual({ error: { name: 'object', message: 'null' } })
  expect(serializeError(undefined)).toEqual({})
})
