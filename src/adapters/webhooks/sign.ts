import { createHmac } from 'node:crypto'

const PREFIX = 'whsec_'

/** 32 bytes, in the form that the libraries of standardwebhooks.com take. */
export const newSecret = (): string =>
  PREFIX + Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')

/**
 * The headers of a message by the Standard Webhooks specification: its id, the time in seconds since
 * 1970 and an HMAC-SHA256 signature (version v1) for each secret.
 */
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
