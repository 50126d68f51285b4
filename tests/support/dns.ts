type Question = Readonly<{ name: string; type: 'A' | 'AAAA' }>

/** IPv4 addresses; undefined leaves the question without a response. */
type Answer = (question: Question) => readonly string[] | undefined

const HEADER_BYTES = 12

/** A real DNS server (RFC 1035) with answers that must not be cached. */
export const startDns = async (answer: Answer) => {
  const questions: Question[] = []
  const server = await Bun.udpSocket({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data: (socket, query, port, address) => {
        const { question, end } = read(query)
        questions.push(question)
        const addresses = answer(question)
        if (addresses)
          socket.send(response(query.subarray(0, end), question, addresses), port, address)
      },
    },
  })
  return {
    address: `127.0.0.1:${server.port}`,
    questions,
    close: () => server.close(),
  }
}

const read = (query: Buffer): { question: Question; end: number } => {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('ascii', at + 1, at + 1 + length))
    at += 1 + length
  }
  const type = query.readUInt16BE(at + 1) === 1 ? 'A' : 'AAAA'
  return { question: { name: labels.join('.'), type }, end: at + 5 }
}

const response = (query: Buffer, { type }: Question, addresses: readonly string[]): Buffer => {
  const records = type === 'A' ? addresses : []
  const head = Buffer.from(query)
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  const answers = records.map((address) =>
    // A pointer to the name, type A, class IN, a TTL of 0, 4 bytes.
    Buffer.from([
      0xc0,
      HEADER_BYTES,
      0,
      1,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      4,
      ...address.split('.').map(Number),
    ]),
  )
  return Buffer.concat([head, ...answers])
}
