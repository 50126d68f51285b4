import { join } from 'node:path'
import { openBrowser } from '../tests/support/browser.ts'
import { removeFolders, temporaryFolder } from '../tests/support/folder.ts'
import { startServer } from '../tests/support/server.ts'

/** Takes the pictures of /docs that the README shows: `bun scripts/screenshot.ts`. */
const docs = join(import.meta.dir, '../docs')

const server = await startServer(temporaryFolder())
const browser = await openBrowser()
for (const [colorScheme, name] of [
  ['light', 'docs-page.png'],
  ['dark', 'docs-page-dark.png'],
] as const) {
  const page = await browser.newPage({ viewport: { width: 1000, height: 640 }, colorScheme })
  await page.goto(`${server.url}/docs`)
  await page.getByLabel('Email address', { exact: true }).waitFor()
  await page.screenshot({ path: join(docs, name) })
}
await browser.close()
server.signal('SIGTERM')
await server.exited
removeFolders()
