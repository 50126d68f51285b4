import { createHmac } from 'node:crypto'

const PREFIX = 'whsec_'

/** 32 bytes, in the form that the libraries of standardwebhooks.com take. */
export const newSecret = (): string =>
  PREFIX + Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')

/** Standard Webhooks: time in seconds since 1970, an HMAC-SHA256 signature (v1) for each secret. */
export const signed = (
  id: string,
  seconds: number,
  body: string,
  secrets: readonly string[],
): Record<string, string> => ({
  'webhook-id': id,
  'webhook-timestamp': String(seconds),
  'webhook-signature': secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
      const digest = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
      return `v1,${digest}`
    })
    .join(' '),
})
