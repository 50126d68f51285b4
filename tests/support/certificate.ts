import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { temporaryFolder } from './folder.ts'
import { within } from './wait.ts'

/** A self-signed certificate for some names. */
export const selfSigned = async (...names: string[]): Promise<{ key: string; cert: string }> => {
  const folder = temporaryFolder()
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const made = Bun.spawn(
    [
      ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
      ...['-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${names[0]}`],
      ...['-addext', `subjectAltName=${names.map((name) => `DNS:${name}`)}`],
    ],
    { stdout: 'ignore', stderr: 'pipe' },
  )
  const code = await within(made.exited, 'openssl should make a certificate.')
  if (code !== 0) throw new Error(await new Response(made.stderr).text())
  return { key: await Bun.file(key).text(), cert: await Bun.file(cert).text() }
}

/** The hash of the public key, by which Chromium can be made to trust a certificate. */
export const publicKeyHash = (cert: string): string =>
  new Bun.CryptoHasher('sha256')
    .update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
