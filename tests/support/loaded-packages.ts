/** Preloaded into a process: on SIGUSR2 it names the packages it has loaded on standard error. */
process.on('SIGUSR2', () => {
  const names = Object.keys(require.cache).map(
    (path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? '',
  )
  process.stderr.write(`loaded: ${[...new Set(names)].sort().join(' ')} .\n`)
})
