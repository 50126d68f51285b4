import { setDefaultTimeout } from 'bun:test'
import { storageContract } from '../../contracts/storage.ts'
import { describeOnAnyCitus, freshCitusDatabase } from '../../support/citus.ts'
import { openPostgres } from '../../support/open-postgres.ts'

setDefaultTimeout(60_000)

describeOnAnyCitus('on Citus', () => {
  storageContract('postgres on Citus', async () =>
    openPostgres(await freshCitusDatabase(), { sharding: 'citus' }),
  )
})
