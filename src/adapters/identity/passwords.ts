/** Memory as in OWASP's Password Storage Cheat Sheet, with four times its iterations. */
const ARGON = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 8 } as const

/** One at a time, because each hash occupies a core. */
const inTurn = () => {
  let last: Promise<unknown> = Promise.resolve()
  return <Result>(step: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(step)
    last = turn.catch(() => {})
    return turn
  }
}

export const passwords = () => {
  const turn = inTurn()
  return {
    hash: (password: string): Promise<string> => turn(() => Bun.password.hash(password, ARGON)),
    verify: ({ hash, password }: { hash: string; password: string }): Promise<boolean> =>
      turn(() => Bun.password.verify(password, hash)),
  }
}
