/** Preloaded into a server: it fails uncaught on SIGUSR2, the way FAULT says. */
process.on('SIGUSR2', () => {
  if (process.env['FAULT'] === 'reject') void Promise.reject(new Error('planted rejection'))
  else {
    setTimeout(() => {
      throw new Error('planted exception')
    })
  }
})
