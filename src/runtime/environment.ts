import { importReader } from '../adapters/import/index.ts'
import { budgetsOf } from '../adapters/limits/index.ts'
import { tokenSecrets } from '../adapters/tokens/index.ts'
import { webhooksTo } from '../adapters/webhooks/index.ts'
import { clocks } from './clocks.ts'
import type { Config } from './config.ts'

/** The ports that need nothing opened. */
export const environment = ({
  budgetFactor,
  webhooks,
}: Pick<Config, 'budgetFactor' | 'webhooks'>) => ({
  budgets: budgetsOf(budgetFactor),
  ...webhooksTo(webhooks),
  tokenSecrets,
  readImport: importReader(),
  ...clocks(),
  chance: Math.random,
})
