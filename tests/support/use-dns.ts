import { setServers } from 'node:dns'

/** To be loaded before a server: its webhooks' names are looked up at this address. */
setServers([process.env['TEST_DNS'] ?? ''])
