/** Structured logging. Fields never hold a token, a secret or user content. */
export type Log = Readonly<{
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}>

/** What finds a fault, without the values that drivers quote in their messages. */
export const serializeError = (error: unknown): object => {
  if (error === undefined) return {}
  if (!(error instanceof Error)) {
    return { error: { name: typeof error, message: withoutValues(String(error)) } }
  }
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return {
    error: {
      name: error.name,
      message: withoutValues(error.message),
      ...('code' in error && { code: String(error.code) }),
      frames: frames.slice(0, 10).map((line) => line.trim()),
      ...(error.cause !== undefined && { cause: serializeError(error.cause) }),
    },
  }
}

const withoutValues = (message: string): string => message.replace(/"[^"]*"|'[^']*'/g, '"…"')
