/** Prints the lines of code of each layer, without blank lines and comments. */
const LAYERS = [
  'domain',
  'application',
  'adapters/http',
  'adapters/jwt',
  'adapters/identity',
  'adapters/jobs',
  'adapters/webhooks',
  'adapters/postgres',
  'adapters/sqlite',
  'adapters/memory',
  'runtime',
  '.',
]

const root = `${import.meta.dir}/../src`

for (const layer of LAYERS) {
  const pattern = layer === '.' ? '*.ts' : `${layer}/**/*.{ts,sql}`
  let lines = 0
  for (const file of new Bun.Glob(pattern).scanSync(root)) {
    const text = await Bun.file(`${root}/${file}`).text()
    const code = text.replace(/\/\*\*[\s\S]*?\*\//g, '').split('\n')
    lines += code.filter((line) => line.trim() !== '' && !/^\s*(\/\/|--)/.test(line)).length
  }
  console.log(`${layer === '.' ? 'composition' : layer}: ${lines}`)
}
