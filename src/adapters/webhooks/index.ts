import type { Ports } from '../../application/ports.ts'
import { isPublic, urlProblem } from './address.ts'
import { webhookSender } from './send.ts'
import { newSecret } from './sign.ts'

/** Where webhooks may lead besides `https` addresses of the public internet. */
export type WebhookTargets = Readonly<{ http: boolean; private: boolean }>

export const webhooksTo = (
  targets: WebhookTargets,
): Pick<Ports, 'send' | 'urlProblem' | 'newSecret'> => {
  const rules = {
    schemes: targets.http ? ['https:', 'http:'] : ['https:'],
    allowed: targets.private ? () => true : isPublic,
  }
  return { send: webhookSender(rules), urlProblem: urlProblem(rules), newSecret }
}
