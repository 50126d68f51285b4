import type { Issue } from '../../../domain/errors.ts'

export const within = (path: string, issues: readonly Issue[]): Issue[] =>
  issues.map(({ field, detail }) => ({ field: `${path}/${field}`, detail }))
