import { jwtClient } from 'better-auth/client/plugins'
import { createAuthClient } from 'better-auth/react'
import { betterAuthToken, taskport } from 'taskport-client'

const url: string = import.meta.env['VITE_TASKPORT_URL'] ?? 'http://localhost:8000'

export const auth = createAuthClient({ baseURL: url, plugins: [jwtClient()] })

/** The token is fetched with the session cookie, kept, and renewed before it expires. */
export const tasks = taskport({ url, token: betterAuthToken(auth) })
