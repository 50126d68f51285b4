import { join } from 'node:path'

/** Taskport's requests per second, and their ratio to those of each peer in the same run. */
export type Figure = Readonly<{
  scenario: string
  perSecond: number
  ratios: Readonly<Record<string, number>>
}>

export type Figures = Readonly<Record<string, readonly Figure[]>>

const folder = join(import.meta.dir, '../docs')
export const FIGURES_FILE = join(folder, 'bench.json')
export const CHART_FILE = join(folder, 'bench.svg')

const NAMES: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL',
  sqlite: 'SQLite',
  bare: 'the bare server',
}

const COLOURS = ['bare', 'Fastify']

const WIDTH = 900
const LEFT = 110
const RIGHT = 790
const BAR = 12

const STYLE = `
svg { font-family: system-ui, sans-serif; font-size: 13px; }
.back { fill: #ffffff; } text { fill: #17212b; } .title { font-size: 15px; font-weight: 600; }
.right { text-anchor: end; } .middle { text-anchor: middle; }
.quiet { fill: #4a5a6a; } .small { fill: #4a5a6a; font-size: 11px; } .grid { stroke: #d5dde5; } .one { stroke: #17212b; stroke-dasharray: 4 3; }
.c0 { fill: #2a7f62; } .c1 { fill: #c77f1a; }
@media (prefers-color-scheme: dark) {
  .back { fill: #0d1117; } text { fill: #e6edf3; } .quiet, .small { fill: #a3b3c2; } .grid { stroke: #2b3742; }
  .one { stroke: #e6edf3; } .c0 { fill: #4fb893; } .c1 { fill: #e2a64d; }
}`

const write = (text: string, x: number, y: number, kind = ''): string =>
  `<text class="${kind}" x="${x}" y="${y}">${text}</text>`

const thousands = (value: number): string => value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, '\u2009')

const group = (storage: string, figures: readonly Figure[], top: number, scale: number) => {
  const at = (ratio: number): number => Math.round((LEFT + ratio * scale) * 10) / 10
  const parts = [write(NAMES[storage] ?? storage, 16, top + 14, 'title')]
  let y = top + 34
  for (const { scenario, perSecond, ratios } of figures) {
    const peers = Object.entries(ratios)
    const middle = y + (peers.length * BAR) / 2 + 4
    parts.push(
      write(scenario, LEFT - 10, middle, 'right'),
      write(`${thousands(perSecond)}/s`, WIDTH - 16, middle, 'right quiet'),
    )
    for (const [line, [peer, ratio]] of peers.entries()) {
      const n = COLOURS.indexOf(peer)
      const top = y + line * BAR
      const width = Math.round(ratio * scale * 10) / 10
      parts.push(
        `<rect class="c${n}" x="${LEFT}" y="${top}" width="${width}" height="${BAR - 1}"/>`,
        write(ratio.toFixed(2), at(ratio) + 4, top + BAR - 2, 'small'),
      )
    }
    y += peers.length * BAR + 9
  }
  return { parts, bottom: y }
}

/** The figures as bars, as SVG. */
export const drawChart = (figures: Figures): string => {
  const all = Object.entries(figures).map(
    ([storage, own]) =>
      [storage, own.filter(({ ratios }) => Object.keys(ratios).length > 0)] as const,
  )
  const largest = Math.max(
    1,
    ...all.flatMap(([, own]) => own.flatMap(({ ratios }) => Object.values(ratios))),
  )
  const scale = (RIGHT - LEFT - 40) / largest
  const bars: string[] = []
  let y = 56
  for (const [storage, own] of all) {
    const { parts, bottom } = group(storage, own, y, scale)
    bars.push(...parts)
    y = bottom + 12
  }
  const steps = Array.from({ length: Math.floor(largest / 0.5) + 1 }, (_, n) => n * 0.5)
  const lines = steps.map((step) => {
    const x = Math.round((LEFT + step * scale) * 10) / 10
    return `<path class="${step === 1 ? 'one' : 'grid'}" d="M${x} 50V${y - 12}"/>${write(String(step), x, y + 4, 'middle quiet')}`
  })
  const legend = COLOURS.map((peer, n) => {
    const x = LEFT + n * 190
    return `<rect class="c${n}" x="${x}" y="34" width="12" height="10"/>${write(`to ${NAMES[peer] ?? peer}`, x + 18, 43)}`
  })
  const height = y + 16
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>Taskport's requests per second, in times of those of its peers</title>
<style>${STYLE}
</style>
<rect class="back" width="${WIDTH}" height="${height}"/>
${write("Taskport's requests per second, in times of those of its peers in the same run; 32 connections", 16, 22, 'title')}
${[...legend, ...lines, ...bars].join('\n')}
</svg>
`
}

export const writeFigures = async (figures: Figures): Promise<void> => {
  await Bun.write(FIGURES_FILE, `${JSON.stringify(figures, null, 2)}\n`)
  await Bun.write(CHART_FILE, drawChart(figures))
}

if (import.meta.main) await Bun.write(CHART_FILE, drawChart(await Bun.file(FIGURES_FILE).json()))
