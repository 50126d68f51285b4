import { Elysia } from 'elysia'
export const docs = (_version: string) => new Elysia()
