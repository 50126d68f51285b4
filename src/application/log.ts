/** Structured logging. Fields never hold a token, a secret or user content. */
export type Log = Readonly<{
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}>

/** Enough of an error to find a fault by, without the values that drivers put into messages. */
export const serializeError = (error: unknown): object => {
  if (!(error instanceof Error)) return {}
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return {
    error: {
      name: error.name,
      message: error.message.replace(/"[^"]*"|'[^']*'/g, '"…"'),
      ...('code' in error && { code: String(error.code) }),
      frames: frames.slice(0, 10).map((line) => line.trim()),
      ...(error.cause !== undefined && { cause: serializeError(error.cause) }),
    },
  }
}
