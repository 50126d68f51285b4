import { setDefaultTimeout } from 'bun:test'
import { storageContract } from '../../contracts/storage.ts'
import { openPostgres } from '../../support/open-postgres.ts'
import { freshDatabase } from '../../support/postgres.ts'

setDefaultTimeout(30_000)

storageContract('postgres', async () => openPostgres(await freshDatabase()))
