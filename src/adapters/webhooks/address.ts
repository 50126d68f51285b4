import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Answers all addresses of a name, or throws. */
export type Resolve = (host: string) => Promise<readonly string[]>

/** As the system does. */
export const resolve: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)

/**
 * Whether an address is one of the public internet: not this machine, its networks, the metadata
 * service of a cloud, or any of these in the clothes of IPv6 (mapped, translated, tunnelled).
 */
export const isPublic = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast'

export type AddressRules = Readonly<{
  /** Schemes allowed, with their colons. */
  schemes: readonly string[]
  /** Whether an address may be sent to. */
  allowed: (address: string) => boolean
}>

/** The host of a URL as an address; undefined when it is a name. */
export const literalOf = ({ hostname }: URL): string | undefined => {
  const literal = hostname.replace(/^\[|\]$/g, '')
  return isIP(literal) ? literal : undefined
}

/** What is wrong with a URL, as far as that shows without asking for the addresses of its name. */
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
