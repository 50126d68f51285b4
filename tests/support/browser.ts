import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** A real headless Chromium that reaches no host but this one. */
export const openBrowser = (): Promise<Browser> => {
  const path = process.env['CHROMIUM_PATH'] ?? NAMES.map((name) => Bun.which(name)).find(Boolean)
  if (!path) {
    throw new Error(
      'The tests need Chromium: apt-get install chromium, or set CHROMIUM_PATH to another one.',
    )
  }
  return chromium.launch({
    executablePath: path,
    timeout: 30_000,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
    ],
  })
}
