/** A date without a time is the same day everywhere; `new Date` takes it for midnight in UTC. */
export const formatDue = (due: string): string =>
  due.includes('T') ? new Date(due).toLocaleString() : new Date(`${due}T00:00`).toLocaleDateString()
