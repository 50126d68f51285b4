import { expect, test } from 'bun:test'
import { readSources } from '../../scripts/imports.ts'
import { drawLayers, LAYERS_FILE } from '../../scripts/layers.ts'

const sources = await readSources()

const count = (svg: string, kind: string): number => svg.split(`class="${kind}" d=`).length - 1

test('docs/layers.svg is what the imports are now; draw it again with bun scripts/layers.ts', async () => {
  expect(await Bun.file(LAYERS_FILE).text()).toBe(drawLayers(sources))
})

test('an import that was not there before is one more arrow, a wrong one in red', () => {
  const svg = drawLayers(sources)
  expect(count(svg, 'wrong')).toBe(0)
  const added = (file: string, text: string) => drawLayers([...sources, { file, text }])
  const sideways = added('src/adapters/http/x.ts', `import { a } from '../sqlite/a.ts'`)
  expect([count(sideways, 'arrow'), count(sideways, 'wrong')]).toEqual([count(svg, 'arrow') + 1, 0])
  const upwards = added('src/domain/x.ts', `import { a } from '../application/a.ts'`)
  expect([count(upwards, 'arrow'), count(upwards, 'wrong')]).toEqual([count(svg, 'arrow'), 1])
  expect(upwards).not.toContain('imports nothing')
})

test('it has a box for every adapter', () => {
  const svg = drawLayers(sources)
  const folders = new Bun.Glob('*/').scanSync({
    cwd: `${import.meta.dir}/../../src/adapters`,
    onlyFiles: false,
  })
  for (const name of folders) expect(svg).toContain(`>${name.replace('/', '')}</text>`)
})
