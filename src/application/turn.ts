/** Lets the event loop serve what has arrived meanwhile. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
