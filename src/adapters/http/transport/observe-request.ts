import type { Log } from '../../../application/log.ts'
import type { Trace } from '../../../application/trace.ts'
import type { RequestContext } from './request-context.ts'
import { logRequest } from './request-log.ts'

export type RequestSpan = Readonly<{
  trace: Trace
  received: Trace | undefined
  method: string
  route: string
  status: number
  milliseconds: number
}>

export type Tracing = Readonly<{
  /** Whatever `step` changes, also after an await, belongs to the trace. */
  run<Result>(trace: Trace, step: () => Result): Result
  /** The trace of a span of the request's own. */
  begin?(received: Trace | undefined): Trace
  end?(span: RequestSpan): void
}>

export type Observers = Readonly<{
  log: Log
  /** Called with each response; `route` is empty without one. */
  measure?: (method: string, route: string, status: number, milliseconds: number) => void
  tracing?: Tracing
  /** What the log says about clients. */
  logClient?: readonly ('address' | 'user-agent')[]
  trustProxy?: string
}>

const UNTRUSTED_PROXY =
  'A request has X-Forwarded-For, but TRUST_PROXY is not set: the address of the proxy is taken for that ' +
  'of every client. Set TRUST_PROXY=X-Forwarded-For if your proxy sets this header.'

const UNTRACED: Tracing = { run: (_, step) => step() }

const AGENT_LENGTH = 200

/** What is logged, measured and traced of each request. */
export const requestObserver = ({
  log,
  measure,
  tracing = UNTRACED,
  logClient = [],
  trustProxy,
}: Observers) => {
  let warned = trustProxy !== undefined

  const clientOf = (request: Request, { peer }: RequestContext): Record<string, string> => ({
    ...(logClient.includes('address') && { peer: peer() }),
    ...(logClient.includes('user-agent') && {
      user_agent: (request.headers.get('user-agent') ?? '').slice(0, AGENT_LENGTH),
    }),
  })

  return {
    /** Runs before the first await of a request. Returns what to call with its status. */
    begin: (request: Request, context: RequestContext): ((status: number) => void) => {
      if (!warned && request.headers.has('x-forwarded-for')) {
        warned = true
        log.warn({}, UNTRUSTED_PROXY)
      }
      if (logClient.length > 0) context.client = clientOf(request, context)
      const received = context.trace
      if (tracing.begin) context.trace = tracing.begin(received)
      return (status) => {
        const milliseconds = performance.now() - context.started
        const { trace, route = '' } = context
        const { method } = request
        logRequest(log, request, context, status, milliseconds)
        measure?.(method, route, status, milliseconds)
        if (trace) tracing.end?.({ trace, received, method, route, status, milliseconds })
      }
    },

    run: <Result>({ trace }: RequestContext, step: () => Result): Result =>
      trace ? tracing.run(trace, step) : step(),
  }
}
