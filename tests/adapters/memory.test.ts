import { memoryTaskStore } from '../../src/adapters/memory/task-store.ts'
import { taskStoreContract } from '../contracts/task-store.ts'

taskStoreContract('memory', () => ({ tasks: memoryTaskStore(), close: () => {} }))
