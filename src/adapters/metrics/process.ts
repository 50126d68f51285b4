import { type Family, labels, single } from './families.ts'

/** Under the names that client libraries of Prometheus use. */
export const processFamilies = (version: string): Family[] => {
  const { user, system } = process.cpuUsage()
  const started = (performance.timeOrigin / 1000).toFixed(3)
  return [
    {
      name: 'taskport_build_info',
      type: 'gauge',
      help: 'Always 1; the version is a label.',
      samples: [{ labels: labels({ version, bun: Bun.version }), value: 1 }],
    },
    single(
      'counter',
      'process_cpu_seconds_total',
      'Processor time of the process.',
      (user + system) / 1_000_000,
    ),
    single(
      'gauge',
      'process_resident_memory_bytes',
      'Resident memory of the process.',
      process.memoryUsage.rss(),
    ),
    single(
      'gauge',
      'process_start_time_seconds',
      'When the process began, in seconds since 1970.',
      Number(started),
    ),
  ]
}
