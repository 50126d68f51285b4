import { expect, test } from 'bun:test'
import { budgetsOf } from '../../src/adapters/limits/index.ts'
import { tokenBuckets } from '../../src/adapters/limits/token-buckets.ts'
import { BUDGETS, type Budget } from '../../src/domain/budget.ts'

const names = Object.keys(BUDGETS) as Budget[]

test.each(names)('%s: the burst at once, then nothing, for each user apart', (budget) => {
  const { burst, perSecond } = BUDGETS[budget]
  const { spend } = tokenBuckets()
  expect(spend('alice', budget, burst / 2)).toMatchObject({ left: burst / 2, wait: 0 })
  expect(spend('alice', budget, burst / 2)).toMatchObject({ wait: 0 })
  const refused = spend('alice', budget, burst / 2)
  expect(refused.left).toBeLessThan(burst / 2)
  const [half, whole] = [500 * (burst / perSecond), 1000 * (burst / perSecond)]
  expect(refused.wait).toBeWithin(half * 0.5, half + 1)
  expect(refused.reset).toBeWithin(whole * 0.5, whole + 1)
  expect(spend('bob', budget, burst)).toMatchObject({ left: 0, wait: 0 })
})

test('what is more than the burst is refused, with a time to wait', () => {
  const { spend } = tokenBuckets()
  expect(spend('alice', 'pings', 11)).toMatchObject({ left: 10 })
  expect(spend('alice', 'pings', 10)).toMatchObject({ left: 0, wait: 0 })
})

test('returns with time', async () => {
  const { spend } = tokenBuckets()
  spend('alice', 'stored', BUDGETS.stored.burst)
  const { wait } = spend('alice', 'stored', 20)
  expect(wait).toBeWithin(1, 21)
  await Bun.sleep(wait)
  expect(spend('alice', 'stored', 20).wait).toBe(0)
})

test('a factor multiplies, and 0 lifts all', () => {
  expect(budgetsOf(3).spend('alice', 'pings', 30)).toMatchObject({ left: 0, wait: 0 })
  expect(budgetsOf(3).spend('alice', 'pings', 31).wait).toBeGreaterThanOrEqual(0)
  const { spend } = budgetsOf(0)
  for (const budget of names) expect(spend('alice', budget, 1e9).wait).toBe(0)
})
