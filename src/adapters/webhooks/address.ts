import { lookup } from 'node:dns/promises'
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
