import { join } from 'node:path'
import { importsOf, readSources, type Source } from './imports.ts'

/** From the outside in: an import upwards is drawn in red. */
const LAYERS = [
  ['main.ts', 'the composition root'],
  ['runtime', 'configuration, log, scheduler, shutdown, workers'],
  ['adapters', 'one folder per technology'],
  ['application', 'use cases, and the ports they need'],
  ['domain', 'the rules'],
] as const

const CLIENT = 'client'

type Edge = readonly [from: string, to: string]

const layerOf = (file: string): string =>
  file.startsWith('client/') ? CLIENT : (file.split('/')[1] ?? '')

const isOwn = (name: string): boolean => /^(src|client)\//.test(name)

const edgesBetween = (
  sources: readonly Source[],
  partOf: (file: string) => string | undefined,
): Edge[] => {
  const found = sources.flatMap((source) =>
    importsOf(source)
      .filter(isOwn)
      .map((target) => [partOf(source.file), partOf(target)] as const),
  )
  const distinct = new Set(
    found.filter(([from, to]) => from && to && from !== to).map((edge) => edge.join(' ')),
  )
  return [...distinct].sort().map((edge) => edge.split(' ') as unknown as Edge)
}

const adapterOf = (file: string): string | undefined => /^src\/adapters\/([^/]+)\//.exec(file)?.[1]

const WIDTH = 900
const LEFT = 120
const RIGHT = 770
const GAP = 34
const LANE = 15
const BOX = { width: 96, height: 30, gap: 8 }
const PER_ROW = 6

type Box = Readonly<{ x: number; y: number; width: number; height: number }>

const label = (text: string, x: number, y: number, kind: string): string =>
  `<text class="${kind}" x="${x}" y="${y}">${text}</text>`

const rectangle = ({ x, y, width, height }: Box, kind: string): string =>
  `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`

const arrow = (path: string, kind = 'arrow'): string =>
  `<path class="${kind}" d="${path}" marker-end="url(#${kind})"/>`

const heightOf = (names: readonly string[]): number =>
  Math.ceil(names.length / PER_ROW) * (BOX.height + BOX.gap)

/** Those that others import come last, so that their arrows point down. */
const drawAdapters = (names: readonly string[], edges: readonly Edge[], top: number) => {
  const shared = names.filter((name) => edges.some(([, to]) => to === name))
  const using = names.filter((name) => edges.some(([from]) => from === name))
  const others = names.filter((name) => !shared.includes(name) && !using.includes(name))
  const boxes = new Map<string, Box>()
  const place = (row: readonly string[], y: number): void => {
    for (const [n, name] of row.entries()) {
      const x = LEFT + 12 + (n % PER_ROW) * (BOX.width + BOX.gap)
      const line = Math.floor(n / PER_ROW) * (BOX.height + BOX.gap)
      boxes.set(name, { x, y: y + line, width: BOX.width, height: BOX.height })
    }
  }
  place(others, top)
  const middle = top + heightOf(others)
  place(using, middle)
  const below = middle + heightOf(using) + 18
  place(shared, below)
  const at = (name: string): Box => boxes.get(name) as Box
  const drawn = [...boxes].map(([name, box]) =>
    [
      rectangle(box, 'adapter'),
      label(name, box.x + box.width / 2, box.y + 20, 'name small middle'),
    ].join(''),
  )
  const arrows = edges.map(([from, to]) => {
    const [start, end] = [at(from), at(to)]
    const x = start.x + start.width / 2
    const down = start.y < end.y
    const target = Math.min(Math.max(x, end.x + 10), end.x + end.width - 10)
    return arrow(
      `M${x} ${down ? start.y + start.height : start.y} L${target} ${down ? end.y - 3 : end.y + end.height + 3}`,
      down ? 'arrow' : 'wrong',
    )
  })
  const bottom = below + heightOf(shared) + 4
  return { bottom, parts: [...drawn, ...arrows] }
}

const STYLE = `
svg { font-family: system-ui, sans-serif; }
.back { fill: #ffffff; } .layer { fill: #eef3f8; stroke: #8fa3b8; } .adapter { fill: #ffffff; stroke: #8fa3b8; }
.name { fill: #17212b; font-size: 16px; font-weight: 600; } .small { font-size: 13px; font-weight: 400; }
.note { fill: #4a5a6a; font-size: 13px; } .middle { text-anchor: middle; }
.arrow { stroke: #3b5b7a; stroke-width: 1.5; fill: none; } .wrong { stroke: #c0182a; stroke-width: 2.5; fill: none; }
.head { fill: #3b5b7a; } .bad { fill: #c0182a; }
@media (prefers-color-scheme: dark) {
  .back { fill: #0d1117; } .layer { fill: #18212b; stroke: #50657a; } .adapter { fill: #0d1117; stroke: #50657a; }
  .name { fill: #e6edf3; } .note { fill: #a3b3c2; } .arrow { stroke: #8fb4d8; } .head { fill: #8fb4d8; }
  .wrong { stroke: #ff7b85; } .bad { fill: #ff7b85; }
}`

const marker = (id: string, kind: string): string =>
  `<marker id="${id}" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto" markerUnits="userSpaceOnUse"><path class="${kind}" d="M0 0L8 4L0 8z"/></marker>`

/** The layers with an arrow for every pair of which one imports the other, as SVG. */
export const drawLayers = (sources: readonly Source[]): string => {
  const edges = edgesBetween(sources, layerOf)
  const between = edgesBetween(sources, adapterOf)
  const names = [...new Set(sources.flatMap(({ file }) => adapterOf(file) ?? []))].sort()
  const boxes = new Map<string, Box>()
  const parts: string[] = []
  let y = 16
  for (const [name, note] of LAYERS) {
    const adapters = name === 'adapters' ? drawAdapters(names, between, y + 40) : undefined
    const box = { x: LEFT, y, width: RIGHT - LEFT, height: adapters ? adapters.bottom - y : 46 }
    const imports = edges.some(([from]) => from === name)
    boxes.set(name, box)
    parts.push(
      rectangle(box, 'layer'),
      label(name, LEFT + 14, y + 28, 'name'),
      label(imports ? note : `${note}: imports nothing`, LEFT + 130, y + 28, 'note'),
      ...(adapters?.parts ?? []),
    )
    y += box.height + GAP
  }
  const domain = boxes.get('domain') as Box
  const client = { x: RIGHT + 20, y: 16, width: WIDTH - RIGHT - 36, height: 46 }
  boxes.set(CLIENT, client)
  parts.push(
    rectangle(client, 'layer'),
    label(CLIENT, client.x + client.width / 2, 44, 'name middle'),
  )

  const order = [...boxes.keys()]
  let lane = 0
  for (const [from, to] of edges) {
    const [start, end] = [boxes.get(from), boxes.get(to)]
    if (!start || !end) continue
    const middle = end.y + end.height / 2
    if (from === CLIENT) {
      const x = client.x + client.width / 2
      const kind = to === 'domain' ? 'arrow' : 'wrong'
      parts.push(arrow(`M${x} ${start.y + start.height} V${middle} H${RIGHT + 3}`, kind))
      continue
    }
    const down = order.indexOf(to) - order.indexOf(from)
    if (down === 1) {
      parts.push(arrow(`M${WIDTH / 2} ${start.y + start.height} V${end.y - 3}`))
      continue
    }
    const [x, out, into] = [
      LEFT - 18 - lane * LANE,
      start.y + 28 + (lane % 3) * 6,
      end.y + 8 + lane * 5,
    ]
    parts.push(arrow(`M${LEFT} ${out} H${x} V${into} H${LEFT - 3}`, down > 0 ? 'arrow' : 'wrong'))
    lane++
  }
  const height = domain.y + domain.height + 16
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>The layers of Taskport; an arrow means that one imports the other</title>
<style>${STYLE}
</style>
<defs>${marker('arrow', 'head')}${marker('wrong', 'bad')}</defs>
<rect class="back" width="${WIDTH}" height="${height}"/>
${parts.join('\n')}
</svg>
`
}

export const LAYERS_FILE = join(import.meta.dir, '../docs/layers.svg')

if (import.meta.main) await Bun.write(LAYERS_FILE, drawLayers(await readSources()))
