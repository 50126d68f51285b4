import { expect, test } from 'bun:test'
import { CHART_FILE, drawChart, FIGURES_FILE, type Figures } from '../../bench/chart.ts'

const figures: Figures = await Bun.file(FIGURES_FILE).json()

test('docs/bench.svg shows the figures of docs/bench.json; draw it again with bun bench/chart.ts', async () => {
  expect(await Bun.file(CHART_FILE).text()).toBe(drawChart(figures))
})

test('every ratio is a bar as long as it is large', () => {
  const svg = drawChart({
    sqlite: [{ scenario: 'get', perSecond: 12_345, ratios: { bare: 2, Fastify: 1 } }],
  })
  const widths = [
    ...svg.matchAll(/<rect class="c\d" x="110" y="\d+" width="([\d.]+)" height="11"/g),
  ]
  const [bare = 0, fastify = 0] = widths.map(([, width]) => Number(width))
  expect(widths).toHaveLength(2)
  expect(bare).toBeCloseTo(2 * fastify, 1)
  expect(svg).toContain('12\u2009345/s')
})

test('the table of docs/figures.md has the same figures', async () => {
  const table = await Bun.file(new URL('../../docs/figures.md', import.meta.url)).text()
  for (const own of Object.values(figures)) {
    for (const { perSecond, ratios } of own) {
      expect(table).toContain(` ${String(perSecond).replace(/\B(?=(\d{3})+$)/g, ' ')} |`)
      for (const ratio of Object.values(ratios)) expect(table).toContain(` ${ratio.toFixed(2)} |`)
    }
  }
})
