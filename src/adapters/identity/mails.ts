import type { Links } from './links.ts'

export type Mail = Readonly<{ to: string; subject: string; text: string }>

/** Returns at once; what becomes of the mail is its own affair. */
export type SendMail = (mail: Mail) => void

type Made = Readonly<{ user: { email: string }; url: string; token: string }>

/** No mail holds the user's name, which anyone may choose. */
export const mailsOf = (
  send: SendMail,
  links: Links,
  resetLink: (email: string) => Promise<string | undefined>,
) => ({
  passwords: {
    requireEmailVerification: true,
    sendResetPassword: async ({ user, url, token }: Made): Promise<void> =>
      send(resetMail(user.email, links.reset(token, url))),
    onExistingUserSignUp: async ({ user }: Pick<Made, 'user'>): Promise<void> => {
      const link = await resetLink(user.email)
      if (link) send(existingMail(user.email, link))
    },
  },
  addresses: {
    sendOnSignUp: true,
    sendVerificationEmail: async ({ user, url, token }: Made): Promise<void> => {
      send(verificationMail(user.email, links.verification(token, url)))
      const former = formerAddress(token)
      if (former !== undefined) send(changeMail(former, user.email))
    },
  },
})

/** Of a token for a change of the address: the one that it replaces. */
const formerAddress = (token: string): string | undefined => {
  const [, payload = ''] = token.split('.')
  const { email, updateTo } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return updateTo === undefined ? undefined : email
}

const IGNORE = 'If you did not ask for it, ignore this message.'

const mail = (to: string, subject: string, ...lines: string[]): Mail => ({
  to,
  subject,
  text: `${lines.join('\n\n')}\n`,
})

const verificationMail = (to: string, link: string): Mail =>
  mail(
    to,
    'Confirm your email address',
    'Open this link to confirm your email address. It is valid for one hour.',
    link,
    IGNORE,
  )

const resetMail = (to: string, link: string): Mail =>
  mail(
    to,
    'Set a new password',
    'Open this link to set a new password. It is valid for one hour and works once.',
    link,
    IGNORE,
  )

const existingMail = (to: string, link: string): Mail =>
  mail(
    to,
    'You have an account already',
    'Someone, probably you, tried to sign up with this email address, which has an account.',
    'Sign in with it. To set a new password, open this link within one hour; it works once.',
    link,
    IGNORE,
  )

const changeMail = (to: string, address: string): Mail =>
  mail(
    to,
    'Your email address is about to change',
    `Your account will have the address ${address} as soon as that is confirmed.`,
    'If you did not ask for it, change your password now and end all sessions.',
  )
