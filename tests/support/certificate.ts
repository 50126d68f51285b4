import { join } from 'node:path'
import { temporaryFolder } from './folder.ts'
import { within } from './wait.ts'

/** A self-signed certificate for a name. */
export const selfSigned = async (name: string): Promise<{ key: string; cert: string }> => {
  const folder = temporaryFolder()
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const made = Bun.spawn(
    [
      ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
      ...['-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${name}`],
      ...['-addext', `subjectAltName=DNS:${name}`],
    ],
    { stdout: 'ignore', stderr: 'pipe' },
  )
  const code = await within(made.exited, 'openssl should make a certificate.')
  if (code !== 0) throw new Error(await new Response(made.stderr).text())
  return { key: await Bun.file(key).text(), cert: await Bun.file(cert).text() }
}
