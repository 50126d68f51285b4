import { requireScope, SCOPES, type Scope } from '../../../domain/token.ts'
import type { Security } from '../openapi/operation.ts'
import { contextOf } from './request-context.ts'

type Route = Readonly<{ hooks: { detail?: { security?: unknown } } }>

/** What a personal token needs for a route, as documented; without one it is refused there. */
export const scopeOf = ({ hooks }: Route): Scope | undefined => {
  const security = (hooks.detail?.security ?? []) as Security
  const [name] = security.flatMap(({ personalToken = [] }) => personalToken)
  return SCOPES.find((scope) => scope === name)
}

/** For what only the body tells. Throws `insufficient-scope`. */
export const requireScopeFor = (request: Request, scope: Scope): void =>
  requireScope(contextOf(request).scopes, scope)
