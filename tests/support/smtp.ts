import { SMTPServer } from 'smtp-server'
import { within } from './wait.ts'

export type ReceivedMail = Readonly<{ from: string; to: string; text: string }>

export type SmtpServer = Readonly<{
  url: string
  mails: ReceivedMail[]
  /** Refuses so many recipients with this code, then accepts all again. */
  refuse(code: number, times: number): void
  /** Of the first mail to this address that no call has returned, with its soft line breaks removed. */
  next(to: string): Promise<ReceivedMail>
  close(): Promise<void>
}>

/** A server that speaks SMTP over a socket and requires a password. */
export const startSmtp = async (): Promise<SmtpServer> => {
  const mails: ReceivedMail[] = []
  const waiting = new Set<() => void>()
  let refusals = { code: 0, times: 0 }
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authMethods: ['PLAIN'],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, done) =>
      username === 'ada' && password === 'p@ss'
        ? done(null, { user: username })
        : done(new Error('Wrong password')),
    onRcptTo: (_address, _session, done) => {
      if (refusals.times === 0) return done()
      refusals = { ...refusals, times: refusals.times - 1 }
      done(Object.assign(new Error('Refused'), { responseCode: refusals.code }))
    },
    onData: (stream, { envelope }, done) => {
      let text = ''
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      stream.on('end', () => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : ''
        const to = envelope.rcptTo.map(({ address }) => address).join()
        mails.push({ from, to, text: decoded(text) })
        for (const wake of waiting) wake()
        done()
      })
    },
  })
  const { promise: listening, resolve } = Promise.withResolvers<number>()
  const { server: socket } = server
  server.listen(0, '127.0.0.1', () => resolve((socket.address() as { port: number }).port))
  const port = await within(listening, 'the SMTP server listens')
  const taken = new Set<ReceivedMail>()

  return {
    url: `smtp://ada:p%40ss@127.0.0.1:${port}`,
    mails,
    refuse: (code, times) => {
      refusals = { code, times }
    },
    next: (to) => {
      const { promise, resolve: found } = Promise.withResolvers<ReceivedMail>()
      const look = (): void => {
        const mail = mails.find((each) => each.to === to && !taken.has(each))
        if (!mail) return
        taken.add(mail)
        waiting.delete(look)
        found(mail)
      }
      waiting.add(look)
      look()
      return within(promise, () => `a mail to ${to}, beside ${JSON.stringify(mails)}`)
    },
    close: () => new Promise((done) => server.close(() => done())),
  }
}

const decoded = (text: string): string =>
  /quoted-printable/i.test(text)
    ? text
        .replace(/=\r?\n/g, '')
        .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text

export const linkIn = ({ text }: ReceivedMail): string => {
  const [link] = /https?:\/\/\S+/.exec(text) ?? []
  if (!link) throw new Error(`There is no link in ${text}`)
  return link
}
