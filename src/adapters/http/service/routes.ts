import { Elysia } from 'elysia'
import type { FailingJob } from '../../../application/ports.ts'
import type { Resource } from '../openapi/document.ts'
import { json } from '../transport/json.ts'
import { operations } from './operations.ts'

export const serviceResource = (
  version: string,
  checkReady: () => Promise<readonly FailingJob[]>,
): Resource => ({
  tag: { name: 'service', description: 'The service itself; no token required' },
  routes: new Elysia({ normalize: false })
    .get(
      '/',
      () => json(200, { name: 'taskport', version, docs: '/docs', health: '/health' }),
      operations.root,
    )
    .get('/health', () => json(200, { status: 'healthy' }), operations.health)
    .get(
      '/health/ready',
      async () => {
        const degraded = await checkReady()
        return json(200, { status: 'ready', ...(degraded.length > 0 && { degraded }) })
      },
      operations.ready,
    ),
})
