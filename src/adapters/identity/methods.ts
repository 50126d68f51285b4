import type { Auth } from './auth.ts'
import type { GuardSettings } from './guards.ts'
import { type OidcOptions, PROVIDER } from './oidc.ts'
import { isSignUpClosed } from './sign-up.ts'

/** What a front end shows: the ways in and what they need. */
export const methodsOf = async (
  auth: Auth,
  settings: GuardSettings & Readonly<{ oidc?: OidcOptions | undefined }>,
): Promise<Response> => {
  const { internalAdapter } = await auth.$context
  const { passwords = true, sendMail, oidc, signUp } = settings
  return Response.json({
    password: passwords,
    signUp: !(await isSignUpClosed(signUp, internalAdapter)),
    mail: sendMail !== undefined,
    providers: oidc ? [{ id: PROVIDER, name: oidc.name }] : [],
  })
}
