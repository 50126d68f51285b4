import { type ClientRequest, request as http, type IncomingMessage } from 'node:http'
import { request as https } from 'node:https'
import { isIP } from 'node:net'
import type { Attempt, WebhookSender } from '../../application/ports.ts'
import { traceHeaders } from '../../application/trace.ts'
import type { AttemptError } from '../../domain/webhook.ts'
import { type AddressRules, literalOf } from './address.ts'
import { type Resolve, resolver } from './resolve.ts'
import { signed } from './sign.ts'

export type SenderOptions = AddressRules &
  Readonly<{
    resolve?: Resolve
    /** Milliseconds that an attempt may take. */
    timeout?: number
    /** Certificates to trust besides the system's. */
    ca?: string
  }>

const AGENT = 'Taskport-Webhooks/1'

/** Responses of status 1xx. */
const INTERIM_MAX = 10

/**
 * All addresses of the name are checked, and the connection goes to one of these; the certificate
 * still has to be for the name. Only the status and Retry-After of the response are read.
 */
export const webhookSender = ({
  schemes,
  allowed,
  resolve = resolver(),
  timeout = 15_000,
  ca,
}: SenderOptions): WebhookSender => {
  const addressOf = async (target: URL): Promise<string | AttemptError> => {
    const literal = literalOf(target)
    try {
      const all = literal === undefined ? await resolve(target.hostname) : [literal]
      const [first] = all
      if (first === undefined) return 'unresolved'
      return all.every(allowed) ? first : 'address-refused'
    } catch {
      return 'unresolved'
    }
  }

  return async (url, { id, type, timestamp, data }, secrets, trace) => {
    const target = new URL(url)
    if (!schemes.includes(target.protocol)) return failure('address-refused')
    const { promise: late, resolve: expire } = Promise.withResolvers<AttemptError>()
    const timer = setTimeout(() => expire('timeout'), timeout)
    const calls: ClientRequest[] = []
    const attempt = async (): Promise<Attempt> => {
      const address = await addressOf(target)
      if (!isIP(address)) return failure(address as AttemptError)
      const body = JSON.stringify({ type, timestamp, data })
      const headers = {
        host: target.host,
        'user-agent': AGENT,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        ...(trace && traceHeaders(trace)),
        ...signed(id, Math.floor(Date.now() / 1000), body, secrets),
      }
      const secure = target.protocol === 'https:'
      return new Promise((settle) => {
        const call = (secure ? https : http)({
          method: 'POST',
          host: address,
          port: target.port || (secure ? 443 : 80),
          path: `${target.pathname}${target.search}`,
          headers,
          agent: false,
          ...(secure && { servername: target.hostname, ...(ca && { ca }) }),
        })
        calls.push(call)
        let interim = 0
        call.on('information', () => {
          if (++interim > INTERIM_MAX) call.destroy(new Error('Too many interim responses.'))
        })
        call.on('response', (response) => settle(judge(response)))
        call.on('error', (error) => settle(failure(reasonOf(error))))
        call.end(body)
      })
    }
    const outcome = await Promise.race([attempt(), late.then((error) => failure(error))])
    clearTimeout(timer)
    for (const call of calls) call.destroy()
    return outcome
  }
}

const failure = (error: AttemptError, retryAfter = 0): Attempt => ({ ok: false, error, retryAfter })

const judge = ({ statusCode = 0, headers }: IncomingMessage): Attempt => {
  if (statusCode >= 200 && statusCode < 300) return { ok: true }
  if (statusCode === 410) return failure('gone')
  const kind = statusCode < 400 ? 'redirect' : statusCode < 500 ? 'client-error' : 'server-error'
  return failure(kind, pauseIn(headers['retry-after']))
}

/** Milliseconds (RFC 9110 section 10.2.3: seconds, or a date). */
const pauseIn = (header: string | undefined): number => {
  if (header === undefined) return 0
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? 0 : Math.max(date - Date.now(), 0)
}

const reasonOf = (error: Error & { code?: string }): AttemptError =>
  /CERT|SSL|TLS|SELF_SIGNED|ISSUER|VERIFY/i.test(error.code ?? '') ? 'tls' : 'unreachable'
