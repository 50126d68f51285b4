import { expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync } from 'node:fs'
import postgres from 'postgres'
import { freshDatabase, privateServer } from './postgres.ts'
import { eventually, within } from './wait.ts'

setDefaultTimeout(30_000)

test('databases are new, empty and independent', async () => {
  const [one, two] = await Promise.all([freshDatabase(), freshDatabase()])
  expect(one).not.toBe(two)
  for (const url of [one, two]) {
    const sql = postgres(url, { max: 1 })
    await sql`create table only_here (id integer)`
    await sql.end()
  }
})

const select = async (url: string): Promise<object[]> => {
  const sql = postgres(url, { max: 1 })
  try {
    return [...(await sql`select * from kept`)]
  } finally {
    await sql.end()
  }
}

test('a server that crashed has what was committed when it starts again', async () => {
  const server = await privateServer()
  const sql = postgres(server.url, { max: 1 })
  await sql`create table kept (id integer)`
  await sql.end()
  await server.stop()
  await expect(select(server.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await server.start()
  expect(await select(server.url)).toEqual([])
  await server.close()
  expect(existsSync(server.folder)).toBe(false)
})

test.each(['', 'embedded'])('a killed test run leaves nothing behind %s', async (binaries) => {
  const script = `
    const { privateServer } = await import('${import.meta.dir}/postgres.ts')
    const { folder, url } = await privateServer()
    console.log(JSON.stringify({ folder, url }))
    setInterval(() => {}, 1000)`
  const child = Bun.spawn([process.execPath, '-e', script], {
    env: { ...process.env, TEST_POSTGRES: binaries },
    stdout: 'pipe',
  })
  const { value } = await child.stdout.getReader().read()
  const { folder, url } = JSON.parse(new TextDecoder().decode(value))
  expect(existsSync(`${folder}/data/postmaster.pid`)).toBe(true)
  child.kill('SIGKILL')
  await within(child.exited, 'The process did not end.')
  await eventually(() => !existsSync(folder), 'The folder was not removed.')
  await expect(postgres(url, { max: 1 })`select 1`.execute()).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })
})
