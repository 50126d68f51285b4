import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { temporaryFolder } from '../../tests/support/folder.ts'
import { freePort } from '../../tests/support/free-port.ts'
import { privateServer } from '../../tests/support/postgres.ts'
import { family } from '../servers.ts'
import { startHooks } from './hooks.ts'
import { databaseProxy } from './proxy.ts'
import type { Random } from './random.ts'
import type { Report } from './report.ts'
import { runServer } from './server.ts'

export type StorageName = 'sqlite' | 'postgres'
/** Only in `calm` must everything succeed. */
export type Phase = 'fault' | 'recovery' | 'calm'
export type World = Awaited<ReturnType<typeof openWorld>>

const RUN = (command: string[]): boolean => Bun.spawnSync(command, { stderr: 'ignore' }).success
const IS_ROOT = process.platform === 'linux' && process.getuid?.() === 0

/** Names are asked for here, where nothing listens unless a fault does. */
export const NAME_SERVER = '127.0.0.66'

const FAKETIME = [
  process.env['CHAOS_FAKETIME'] ?? '',
  ...new Bun.Glob('/usr/lib/*/faketime/libfaketime.so.1').scanSync('/'),
].find((path) => path !== '')

/** A small file system whose room can be taken away; none without the right to mount one. */
const smallDisk = (folder: string) => {
  mkdirSync(folder)
  if (!IS_ROOT || !RUN(['mount', '-t', 'tmpfs', '-o', 'size=512m', 'chaos', folder]))
    return undefined
  const ballast = join(folder, 'ballast')
  const close = () => RUN(['umount', '--lazy', folder])
  process.once('exit', close)
  return {
    fill: async (): Promise<void> => {
      await Bun.spawn(['dd', 'if=/dev/zero', `of=${ballast}`, 'bs=64k'], { stderr: 'ignore' })
        .exited
    },
    free: () => RUN(['rm', '-f', ballast]),
    close,
  }
}

const ownResolver = (folder: string): string[] => {
  const file = join(folder, 'resolv.conf')
  writeFileSync(file, `nameserver ${NAME_SERVER}\n`)
  const mount = `mount --bind ${file} /etc/resolv.conf && exec "$@"`
  const wrapper = ['unshare', '--mount', 'sh', '-c', mount, 'sh']
  return IS_ROOT && RUN([...wrapper, 'true']) ? wrapper : []
}

const adjustableClock = (folder: string) => {
  if (!FAKETIME) return undefined
  const file = join(folder, 'clock')
  const set = (seconds: number) => writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}`)
  set(0)
  const env = { LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: file, DONT_FAKE_MONOTONIC: '1' }
  return { set, env: { ...env, FAKETIME_CACHE_DURATION: '1' } }
}

const openDatabase = async (disk: string | undefined) => {
  const server = await privateServer()
  const owner = statSync(join(server.folder, 'data'))
  const run = async (statement: string): Promise<void> => {
    const sql = postgres(server.url, { max: 1, onnotice: () => {}, connect_timeout: 10 })
    await sql.unsafe(statement).finally(() => sql.end({ timeout: 1 }))
  }
  if (disk !== undefined) {
    RUN(['chown', `${owner.uid}:${owner.gid}`, disk])
    await run(`create tablespace small location '${disk}'`)
  }
  await run(`create database chaos${disk === undefined ? '' : ' tablespace small'}`)
  const proxy = await databaseProxy(server.url.replace(/postgres$/, 'chaos'))
  const pids = async (): Promise<number[]> => {
    const file = await Bun.file(join(server.folder, 'data/postmaster.pid')).text()
    return family(Number(file.split('\n')[0]))
  }
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    for (const pid of await pids()) process.kill(pid, name)
  }
  return { ...server, run, proxy, pids, signal }
}

/** Lets users pass one by one, and can wait until none of them is under way. */
const createGate = () => {
  let opened = Promise.withResolvers<void>()
  let emptied = Promise.withResolvers<void>()
  let open = true
  let inside = 0
  return {
    pass: async (step: () => Promise<unknown>): Promise<void> => {
      while (!open) await opened.promise
      inside++
      try {
        await step()
      } finally {
        inside--
        if (inside === 0) emptied.resolve()
      }
    },
    open: (): void => {
      open = true
      opened.resolve()
    },
    close: (): Promise<void> => {
      open = false
      opened = Promise.withResolvers()
      emptied = Promise.withResolvers()
      if (inside === 0) emptied.resolve()
      return emptied.promise
    },
  }
}

/** A server with everything around it, ready to be disturbed. */
export const openWorld = async (storage: StorageName, random: Random, report: Report) => {
  const folder = temporaryFolder()
  chmodSync(folder, 0o755)
  const diskFolder = join(folder, 'disk')
  const disk = smallDisk(diskFolder)
  const database = storage === 'postgres' ? await openDatabase(disk && diskFolder) : undefined
  const hooks = startHooks(report)
  const wrapper = ownResolver(folder)
  const clock = adjustableClock(folder)
  const url = `http://127.0.0.1:${freePort()}`
  const server = runServer({
    url,
    folder,
    wrapper,
    report,
    env: {
      ...clock?.env,
      TRUST_PROXY: 'x-peer',
      WEBHOOK_ALLOW: 'http,private',
      DATABASE_URL: database?.proxy.url ?? `sqlite:${join(diskFolder, 'taskport.db')}`,
      ...(database && { WORKERS: '2', AUTH_SECRET: 'a secret of at least thirty-two bytes' }),
    },
  })
  const stop = new AbortController()
  return {
    storage,
    url,
    random,
    report,
    server,
    database,
    disk,
    clock,
    hooks,
    hasOwnResolver: wrapper.length > 0,
    gate: createGate(),
    /** Aborted when users and attackers are to end. */
    over: stop.signal,
    run: async (who: string, work: () => Promise<void>): Promise<void> => {
      await work().catch((error) => {
        if (!stop.signal.aborted) report.violate('a user failed', `${who}: ${error?.stack}`)
      })
    },
    phase: { now: 'calm' as Phase },
    close: async (): Promise<void> => {
      stop.abort()
      await server.stop()
      hooks.close()
      database?.proxy.close()
      await database?.close()
      disk?.close()
    },
  }
}
