/** As the library's own, with `detail` for people. */
export type Refusal = Readonly<{ status: number; code: string; message: string; detail?: string }>

export const refusal = ({ status, ...body }: Refusal): Response => Response.json(body, { status })

export const USER_ALREADY_EXISTS: Refusal = {
  status: 422,
  code: 'USER_ALREADY_EXISTS',
  message: 'User already exists',
}

const UNIQUE_VIOLATIONS: readonly unknown[] = ['23505', 'SQLITE_CONSTRAINT_UNIQUE']

/** Of two requests at once for one address, the later one. Throws other errors again. */
export const duplicateOf = (error: unknown): Response => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (UNIQUE_VIOLATIONS.includes(code)) return refusal(USER_ALREADY_EXISTS)
  throw error
}
