import { afterAll } from 'bun:test'
import { removeFolders } from './support/folder.ts'

afterAll(removeFolders)
