import type { AuthContext } from 'better-auth'
import { APIError } from 'better-auth/api'

/** `first` lets one account be created while there is none. */
export type SignUp = 'open' | 'first' | 'closed'

export const SIGN_UP_CLOSED = { code: 'SIGN_UP_CLOSED', message: 'Sign-up is closed' }

type InternalAdapter = AuthContext['internalAdapter']

export const isSignUpClosed = async (
  signUp: SignUp | undefined,
  { countTotalUsers }: Pick<InternalAdapter, 'countTotalUsers'>,
): Promise<boolean> => signUp === 'closed' || (signUp === 'first' && (await countTotalUsers()) > 0)

const LOCK = 'first-sign-up'

type Context = Readonly<{ context: { internalAdapter: InternalAdapter } }>

/** Runs in the transaction that creates a user. Without a request, an operator creates one. */
export const refuseSignUp =
  (signUp: SignUp | undefined) =>
  async (_user: object, request: Context | null): Promise<void> => {
    if (!request || !signUp || signUp === 'open') return
    const { internalAdapter } = request.context
    // Another transaction cannot insert this id until this one ends, and then it counts one user.
    await internalAdapter.createVerificationValue({
      ...{ id: LOCK },
      identifier: LOCK,
      value: '',
      expiresAt: new Date(),
    })
    await internalAdapter.deleteVerificationByIdentifier(LOCK)
    // Not 403, which the library hides when mail is configured.
    if (await isSignUpClosed(signUp, internalAdapter))
      throw new APIError('UNPROCESSABLE_ENTITY', SIGN_UP_CLOSED)
  }
