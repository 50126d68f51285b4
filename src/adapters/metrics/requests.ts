import { type Family, labels } from './families.ts'
import { type Histogram, histogram } from './histogram.ts'

const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

type Figures = Readonly<{ statuses: Map<number, number>; durations: Histogram }>

/** Requests by method, route and status. Routes are patterns, so there are few series. */
export const requestFigures = () => {
  const routes = new Map<string, Map<string, Figures>>()

  const figuresOf = (given: string, route: string): Figures => {
    const method = METHODS.has(given) ? given : 'other'
    const methods = routes.get(route) ?? new Map<string, Figures>()
    routes.set(route, methods)
    const figures = methods.get(method) ?? { statuses: new Map(), durations: histogram(BOUNDS) }
    methods.set(method, figures)
    return figures
  }

  const all = () =>
    [...routes].flatMap(([route, methods]) =>
      [...methods].map(([method, figures]) => ({ own: { method, route }, ...figures })),
    )

  return {
    count: (method: string, route: string, status: number, milliseconds: number): void => {
      const { statuses, durations } = routes.get(route)?.get(method) ?? figuresOf(method, route)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      durations.observe(milliseconds / 1000)
    },

    families: (): Family[] => [
      {
        name: 'taskport_http_requests_total',
        type: 'counter',
        help: 'Responses by method, route and status.',
        samples: all().flatMap(({ own, statuses }) =>
          [...statuses].map(([status, value]) => ({
            labels: labels({ ...own, status: String(status) }),
            value,
          })),
        ),
      },
      {
        name: 'taskport_http_request_duration_seconds',
        type: 'histogram',
        help: 'Time from the head of a request to the head of its response.',
        samples: all().flatMap(({ own, durations }) => durations.samples(own)),
      },
    ],
  }
}
