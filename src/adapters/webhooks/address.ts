import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** False, too, for private addresses that are mapped, translated or tunnelled in IPv6. */
export const isPublic = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast'

export type AddressRules = Readonly<{
  /** With their colons. */
  schemes: readonly string[]
  allowed: (address: string) => boolean
}>

/** Undefined when the host is a name. */
export const literalOf = ({ hostname }: URL): string | undefined => {
  const literal = hostname.replace(/^\[|\]$/g, '')
  return isIP(literal) ? literal : undefined
}

/** What is wrong with the URL, as far as it shows without resolving its name. */
export const urlProblem =
  ({ schemes, allowed }: AddressRules) =>
  (url: string): string | undefined => {
    const target = URL.canParse(url) ? new URL(url) : undefined
    if (!target || !schemes.includes(target.protocol)) {
      return `must be an address that begins with ${schemes.map((s) => `${s}//`).join(' or ')}.`
    }
    const here = /(^|\.)localhost\.?$/.test(target.hostname) ? '127.0.0.1' : undefined
    const literal = literalOf(target) ?? here
    return literal === undefined || allowed(literal)
      ? undefined
      : 'must not lead to a private network or to this server itself.'
  }
