import type { Ports, WebhookSender } from '../../application/ports.ts'
import { isPublic, urlProblem } from './address.ts'
import { newSecret } from './sign.ts'

/** Besides `https` addresses of the public internet. */
export type WebhookTargets = Readonly<{ http: boolean; private: boolean }>

/** The sender is loaded with the first message, for it brings an HTTP client along. */
export const webhooksTo = (
  targets: WebhookTargets,
): Pick<Ports, 'send' | 'urlProblem' | 'newSecret'> => {
  const rules = {
    schemes: targets.http ? ['https:', 'http:'] : ['https:'],
    allowed: targets.private ? () => true : isPublic,
  }
  let sender: Promise<WebhookSender> | undefined
  const send: WebhookSender = async (...message) => {
    sender ??= import('./send.ts').then(({ webhookSender }) => webhookSender(rules))
    return (await sender)(...message)
  }
  return { send, urlProblem: urlProblem(rules), newSecret }
}
