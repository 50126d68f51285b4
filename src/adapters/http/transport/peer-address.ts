import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** `203.0.113.7:51234`, `[2001:db8::1]:443` or `[2001:db8::1]`. */
const WITH_PORT = /^(?:([\d.]+):\d+|\[([^\]]+)\](?::\d+)?)$/

/** Each address in one form, IPv4 in IPv6 as IPv4; undefined for what is no address. */
export const peerAddress = (text = ''): string | undefined => {
  const given = text.trim()
  const [, ipv4, ipv6] = WITH_PORT.exec(given) ?? []
  const address = ipv4 ?? ipv6 ?? given
  const version = isIP(address)
  if (version === 4) return address
  return version === 6 ? ipaddr.process(address).toString() : undefined
}
