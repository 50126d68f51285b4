import { requireScope, SCOPES, type Scope } from '../../../domain/token.ts'
import { SCOPE } from '../openapi/operation.ts'
import { contextOf } from './request-context.ts'

type Route = Readonly<{ hooks: { detail?: object } }>

/** What a personal token needs for a route, as documented; without one it is refused there. */
export const scopeOf = ({ hooks }: Route): Scope | undefined => {
  const name = Reflect.get(hooks.detail ?? {}, SCOPE)
  return SCOPES.find((scope) => scope === name)
}

/** For a scope that depends on the body. Throws `insufficient-scope`. */
export const requireScopeFor = (request: Request, scope: Scope): void =>
  requireScope(contextOf(request).scopes, scope)
