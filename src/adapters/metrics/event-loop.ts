import type { Family } from './families.ts'
import { histogram } from './histogram.ts'

const INTERVAL_MS = 50

const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** How late a timer fires is how long others hold up the event loop. */
export const eventLoopDelay = () => {
  const delays = histogram(BOUNDS)
  let expected = performance.now() + INTERVAL_MS
  const timer = setInterval(() => {
    const present = performance.now()
    delays.observe(Math.max(present - expected, 0) / 1000)
    expected = present + INTERVAL_MS
  }, INTERVAL_MS)
  timer.unref()
  return {
    families: (): Family[] => [
      {
        name: 'taskport_event_loop_delay_seconds',
        type: 'histogram',
        help: 'By how much a timer of 50 ms, set again and again, was late.',
        samples: delays.samples(),
      },
    ],
    stop: (): void => clearInterval(timer),
  }
}
