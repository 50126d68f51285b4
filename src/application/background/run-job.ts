import type { Job, Ports } from '../ports.ts'
import { deliverChanges } from '../webhooks/deliver-changes.ts'

/** Running a job again does no harm. */
export const runJob = (ports: Ports) => {
  const deliver = deliverChanges(ports)
  return ({ owner, id }: Job): Promise<void> => deliver(owner, id)
}
