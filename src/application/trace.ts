/** W3C Trace Context: `id` has 32 hex digits, `parent` 16; `state` is the header `tracestate`. */
export type Trace = Readonly<{ id: string; parent: string; sampled: boolean; state: string | null }>

const TRACE_PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

const STATE = /^[\x20-\x7e]{1,512}$/

const SAMPLED = 1

/** Undefined for a `traceparent` that must be ignored (sections 3.2.2 and 4.3). */
export const parseTrace = (traceparent: string, tracestate: string | null): Trace | undefined => {
  const [, version, id = '', parent = '', flags = '', more] = TRACE_PARENT.exec(traceparent) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && more)) return undefined
  if (/^0+$/.test(id) || /^0+$/.test(parent)) return undefined
  const state = tracestate !== null && STATE.test(tracestate) ? tracestate : null
  return { id, parent, sampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED, state }
}

export const traceHeaders = ({ id, parent, sampled, state }: Trace): Record<string, string> => ({
  traceparent: `00-${id}-${parent}-0${sampled ? SAMPLED : 0}`,
  ...(state !== null && { tracestate: state }),
})
