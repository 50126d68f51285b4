/** Lets the event loop serve what has come meanwhile. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
