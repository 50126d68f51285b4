import { sqliteTaskStore } from '../../src/adapters/sqlite/task-store.ts'
import { taskStoreContract } from '../contracts/task-store.ts'
import { temporaryFolder } from '../support/folder.ts'

taskStoreContract('sqlite', () => sqliteTaskStore(`${temporaryFolder()}/data/taskport.db`))
