/** Memory as in OWASP's Password Storage Cheat Sheet, with four times its iterations. */
const ARGON = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 8 } as const

export const passwords = {
  hash: (password: string): Promise<string> => Bun.password.hash(password, ARGON),
  verify: ({ hash, password }: { hash: string; password: string }): Promise<boolean> =>
    Bun.password.verify(password, hash),
}
