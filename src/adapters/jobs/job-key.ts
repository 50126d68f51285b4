import type { Job } from '../../application/ports.ts'

/** Of jobs with one key there is one at most. */
export const jobKey = ({ name, owner, id }: Job): string => `${name} ${id} ${owner}`
