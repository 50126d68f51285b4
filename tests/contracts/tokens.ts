import { describe, expect, test } from 'bun:test'
import { LATER, NOON, someone } from '../support/tasks.ts'
import { tokenOf } from '../support/tokens.ts'
import type { Suite } from './storage.ts'

export const tokensContract: Suite = (opened) => {
  const tasks = () => opened().tasks
  const tokens = () => opened().tokens

  describe('tokens', () => {
    test('are returned as they were stored, oldest first, and to their owner only', async () => {
      const [owner, other] = [someone(), someone()]
      const first = tokenOf(owner)
      const second = tokenOf(owner, { expires_at: LATER, scopes: ['tasks:delete'] })
      const theirs = tokenOf(other)
      for (const token of [first, theirs, second]) {
        expect(await tokens().create(token, 50)).toBe('created')
      }
      expect(await tokens().list(owner)).toEqual([first, second])
      expect(await tokens().list(other)).toEqual([theirs])
      expect(await tokens().list(someone())).toEqual([])
      expect(await tokens().find(second.hash)).toEqual(second)
      expect(await tokens().find('unknown')).toBeUndefined()
    })

    test('that are looked up together are each found', async () => {
      const owner = someone()
      const all = Array.from({ length: 40 }, () => tokenOf(owner))
      await Promise.all(all.map((token) => tokens().create(token, 50)))
      const hashes = [...all, ...all].flatMap(({ hash }) => [hash, `no ${hash}`])
      const found = await Promise.all(hashes.map((hash) => tokens().find(hash)))
      const expected = [...all, ...all].flatMap((token) => [token, undefined])
      expect(found).toEqual(expected)
    })

    test('a removed one is gone at once, and only its owner can remove it', async () => {
      const [owner, other] = [someone(), someone()]
      const [token, kept] = [tokenOf(owner), tokenOf(owner)]
      await tokens().create(token, 50)
      await tokens().create(kept, 50)
      expect(await tokens().remove(other, token.id)).toBe(false)
      expect(await tokens().remove(owner, 'x')).toBe(false)
      expect(await tokens().find(token.hash)).toEqual(token)
      expect(await tokens().remove(owner, token.id)).toBe(true)
      expect(await tokens().find(token.hash)).toBeUndefined()
      expect(await tokens().list(owner)).toEqual([kept])
      expect(await tokens().remove(owner, token.id)).toBe(false)
    })

    test('the limit holds among concurrent creations, and a removal makes room', async () => {
      let owner = ''
      for (let round = 0; round < 10; round++) {
        owner = someone()
        const all = Array.from({ length: 20 }, () => tokenOf(owner))
        const results = await Promise.all(all.map((token) => tokens().create(token, 5)))
        expect(results.filter((result) => result === 'created')).toHaveLength(5)
        expect(results.filter((result) => result === 'limit')).toHaveLength(15)
      }
      const [first] = await tokens().list(owner)
      await tokens().remove(owner, first?.id ?? '')
      expect(await tokens().create(tokenOf(owner), 5)).toBe('created')
      expect(await tokens().create(tokenOf(owner), 5)).toBe('limit')
      expect(await tokens().create(tokenOf(someone()), 5)).toBe('created')
    })

    test('the time of use is raised, never lowered, for those that are there', async () => {
      const owner = someone()
      const [one, other] = [tokenOf(owner), tokenOf(owner)]
      await tokens().create(one, 50)
      await tokens().create(other, 50)
      const usedAt = async () => (await tokens().list(owner)).map((each) => each.last_used_at)
      await tokens().noteUses([{ hash: one.hash, at: LATER }])
      expect(await usedAt()).toEqual([LATER, null])
      await tokens().noteUses([
        { hash: one.hash, at: NOON },
        { hash: 'unknown', at: NOON },
        { hash: other.hash, at: NOON },
      ])
      expect(await usedAt()).toEqual([LATER, NOON])
      expect(await tokens().find(one.hash)).toEqual({ ...one, last_used_at: LATER })
      await tokens().noteUses([])
    })

    test('go with their account, and none can be created until its mark is purged', async () => {
      const [owner, other] = [someone(), someone()]
      const [token, theirs] = [tokenOf(owner), tokenOf(other)]
      await tokens().create(token, 50)
      await tokens().create(theirs, 50)
      await tasks().deleteAccount(owner, NOON)
      expect(await tokens().find(token.hash)).toBeUndefined()
      expect(await tokens().list(owner)).toEqual([])
      await expect(tokens().create(tokenOf(owner), 50)).rejects.toMatchObject({
        kind: 'unauthenticated',
      })
      expect(await tokens().find(theirs.hash)).toEqual(theirs)
      await tasks().purge(owner, { tombstones: LATER, records: LATER, revisions: 1000 }, 10)
      expect(await tokens().create(tokenOf(owner), 1)).toBe('created')
    })

    test('none is left when an account is deleted among 50 creations', async () => {
      for (let round = 0; round < 5; round++) {
        const owner = someone()
        const steps = Array.from(
          { length: 50 },
          () => (): Promise<unknown> => tokens().create(tokenOf(owner), 100),
        )
        steps.splice(10 * round, 0, () => tasks().deleteAccount(owner, NOON))
        const outcomes = await Promise.allSettled(steps.map((step) => step()))
        expect(outcomes[10 * round]?.status).toBe('fulfilled')
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') {
            expect(outcome.reason).toMatchObject({ kind: 'unauthenticated' })
          }
        }
        expect(await tokens().list(owner)).toEqual([])
      }
    })
  })
}
