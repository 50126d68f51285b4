import { createTransport } from 'nodemailer'

export type Mail = Readonly<{ to: string; subject: string; text: string }>

/** Without the address, and without the server's message, which may quote it. */
export type MailFailure = Readonly<{ attempt: number; code?: string; response?: number }>

export type MailerOptions = Readonly<{
  /** `smtp:` or `smtps:`. */
  url: string
  from: string
  onFailure: (failure: MailFailure) => void
  /** Called when a mail is given up. */
  onLoss: (failure: MailFailure) => void
  /** Milliseconds before each further attempt. */
  pauses?: readonly number[]
}>

export type Mailer = Readonly<{
  /** Returns at once. Sends in the background, again after failures that may pass. */
  send(mail: Mail): void
  /** Waits a few seconds for what is being sent; gives up what waits for another attempt. */
  close(): Promise<void>
}>

const SECOND = 1000

const PAUSES = [2 * SECOND, 15 * SECOND, 60 * SECOND, 300 * SECOND]

const MAX_WAITING = 1000

const CLOSE_MS = 3000

export const openMailer = ({
  url,
  from,
  onFailure,
  onLoss,
  pauses = PAUSES,
}: MailerOptions): Mailer => {
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: 2,
    connectionTimeout: 10 * SECOND,
    greetingTimeout: 10 * SECOND,
    socketTimeout: 30 * SECOND,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const pending = new Set<Promise<void>>()
  const closing = new AbortController()

  const deliver = async (mail: Mail): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return void (await transport.sendMail({ from, ...mail }))
      } catch (error) {
        const failure = failureOf(error, attempt)
        const pause = pauses[attempt - 1]
        if (pause === undefined || isPermanent(failure) || closing.signal.aborted)
          return onLoss(failure)
        onFailure(failure)
        if (!(await elapsed(pause, closing.signal))) return onLoss(failure)
      }
    }
  }

  return {
    send: (mail) => {
      if (pending.size >= MAX_WAITING) return onLoss({ attempt: 0, code: 'QUEUE_FULL' })
      const delivery = deliver(mail).finally(() => pending.delete(delivery))
      pending.add(delivery)
    },
    close: async () => {
      closing.abort()
      await Promise.race([Promise.all(pending), Bun.sleep(CLOSE_MS)])
      transport.close()
    },
  }
}

const failureOf = (error: unknown, attempt: number): MailFailure => {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown }
  return {
    attempt,
    ...(typeof code === 'string' && { code }),
    ...(typeof responseCode === 'number' && { response: responseCode }),
  }
}

/** RFC 5321 section 4.2.1: the same mail will not be accepted later either. */
const isPermanent = ({ code, response = 0 }: MailFailure): boolean =>
  response >= 500 && code !== 'EAUTH'

/** False if the signal was aborted first. */
const elapsed = (milliseconds: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const abort = (): void => {
      clearTimeout(timer)
      resolve(false)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve(true)
    }, milliseconds)
    signal.addEventListener('abort', abort)
  })
