import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

type Sites = Readonly<{
  /** Names that are of this host, too. */
  names: readonly string[]
  /** The hash of the public key of their certificate. */
  keyHash: string
}>

/** A real headless Chromium that reaches no host but this one. With `sites`, it blocks third-party cookies. */
export const openBrowser = (sites?: Sites): Promise<Browser> => {
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
      `--host-resolver-rules=${[
        ...(sites?.names ?? []).map((name) => `MAP ${name} 127.0.0.1`),
        'MAP * ~NOTFOUND',
        'EXCLUDE 127.0.0.1',
        'EXCLUDE localhost',
      ].join(', ')}`,
      ...(sites
        ? [
            `--ignore-certificate-errors-spki-list=${sites.keyHash}`,
            '--test-third-party-cookie-phaseout',
          ]
        : []),
    ],
  })
}
