import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig } from '../../src/runtime/config.ts'
import { temporaryFolder } from '../support/folder.ts'
import { variablesRead } from '../support/variables.ts'

const ROOT = join(import.meta.dir, '../..')

const text = (path: string): Promise<string> => Bun.file(join(ROOT, path)).text()

test('.env.example names every variable, and its values are the defaults', async () => {
  const lines = [...(await text('.env.example')).matchAll(/^#([A-Z_]+)=(.*)$/gm)]
  const names = variablesRead()
  expect(names.length).toBeGreaterThan(20)
  expect(lines.map(([, name = '']) => name).sort()).toEqual(names)
  const example = Object.fromEntries(lines.map(([, name = '', value]) => [name, value]))
  expect(readConfig(example)).toEqual(
    readConfig({ DATABASE_URL: 'sqlite:./data/taskport.db', BACKUP_DIR: './data/backups' }),
  )
})

test('systemd accepts the unit and what it keeps from the program', async () => {
  const unit = await text('examples/deploy/taskport.service')
  expect(unit).toContain('\nExecStart=/usr/local/bin/taskport serve\n')
  const path = join(temporaryFolder(), 'taskport.service')
  writeFileSync(path, unit.replace('/usr/local/bin/taskport', '/bin/true'))
  const analyze = (...args: string[]) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(['systemd-analyze', ...args, path])
    return { exitCode, output: `${stdout}${stderr}` }
  }
  expect(analyze('verify')).toEqual({ exitCode: 0, output: '' })
  expect(analyze('security', '--offline=yes', '--threshold=20', '--no-pager').exitCode).toBe(0)
})

type Service = Readonly<{ environment: Record<string, string>; volumes: string[] }>
type Compose = Readonly<{ services: Record<string, Service>; volumes: object }>

test('compose.yml passes only variables that exist, and keeps what is stored in volumes', async () => {
  const { services, volumes } = Bun.YAML.parse(await text('compose.yml')) as Compose
  const passed = Object.keys(services['taskport']?.environment ?? {})
  expect(passed).toContain('DATABASE_URL')
  const known = variablesRead()
  expect(passed.filter((name) => !known.includes(name))).toEqual([])
  const mounted = Object.values(services).flatMap(({ volumes: own }) => own)
  expect(mounted.map((mount) => mount.split(':')[0]).sort()).toEqual(Object.keys(volumes).sort())
})
