import { describe, expect, test } from 'bun:test'
import { eventually, within } from './wait.ts'

const never = new Promise<void>(() => {})

describe('within', () => {
  test('gives what the promise gives', async () => {
    expect(await within(Promise.resolve(7), 'A number should come.')).toBe(7)
    await expect(within(Promise.reject(new Error('broken')), 'x')).rejects.toThrow('broken')
  })

  test('rejects at the deadline with how far things got', async () => {
    const got = () => within(never, () => 'All should come, 3 did.', 20)
    await expect(got()).rejects.toThrow('Not within 20 ms: All should come, 3 did.')
  })
})

describe('eventually', () => {
  test('returns the first truthy result, whatever came before', async () => {
    const outcomes = [() => 0, () => Promise.reject(new Error('not yet')), () => 'done']
    expect(await eventually<unknown>(() => outcomes.shift()?.(), 'It should be done.')).toBe('done')
  })

  test('rejects at the deadline with the last error as its cause', async () => {
    const failing = () => Promise.reject(new Error('refused'))
    await expect(eventually(failing, 'It should connect.', 20)).rejects.toMatchObject({
      message: 'Not within 20 ms: It should connect.',
      cause: { message: 'refused' },
    })
  })

  test('does not wait for a check that never ends', async () => {
    await expect(eventually(() => never, 'It should end.', 20)).rejects.toThrow('It should end.')
  })
})
