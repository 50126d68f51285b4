import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

export type Networks = Readonly<{ network: string; site?: string }>

/** The IPv4 address itself; of an IPv6 address its /64, and as its site the /48. */
export const networksOf = (address: string): Networks => {
  if (!isIPv6(address)) return { network: address }
  const parts = ipaddr.IPv6.parse(address).parts.map((part) => part.toString(16))
  return { network: parts.slice(0, 4).join(':'), site: parts.slice(0, 3).join(':') }
}
