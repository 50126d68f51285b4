import pg from 'pg'

const MECHANISM = 'SCRAM-SHA-256-PLUS'

/** Logs in with channel binding (RFC 5802), and proves nothing to a server that offers less. */
export class BoundClient extends pg.Client {
  private bound = false

  constructor(config?: pg.ClientConfig) {
    super(config)
    const { connection } = this as unknown as { connection: pg.Connection }
    const refuse = (): void => void connection.stream.destroy(notBound())
    connection.on('authenticationSASL', ({ mechanisms }: { mechanisms: string[] }) => {
      this.bound = mechanisms.includes(MECHANISM)
      if (!this.bound) refuse()
    })
    connection.on('authenticationCleartextPassword', refuse)
    connection.on('authenticationMD5Password', refuse)
  }

  /** Throws when the server did not even ask for a password. */
  confirm(): void {
    if (!this.bound) throw notBound()
  }
}

const notBound = (): Error =>
  new Error(`The server does not offer ${MECHANISM}, which channel_binding=require asks for.`)
