import type { ImportFormat } from '../../application/ports.ts'
import { Unreadable } from './formats/format.ts'

/** Of everything in an archive. */
const UNPACKED_MAX = 32 * 2 ** 20

const EXTENSIONS: Readonly<Record<ImportFormat, RegExp>> = {
  json: /\.(json|ndjson)$/i,
  csv: /\.csv$/i,
  todoist: /\.csv$/i,
  google: /(^|\/)tasks\.json$/i,
  ics: /\.ics$/i,
  'todo.txt': /\.txt$/i,
}

type File = Readonly<{ name: string; text: string }>

/** The file itself, what a gzip file holds, or the files of a ZIP archive that may be of the format. */
export const filesOf = async (bytes: Uint8Array, format: ImportFormat): Promise<File[]> => {
  const [a, b, c, d] = bytes
  if (a === 0x1f && b === 0x8b) return [{ name: '', text: decode(await gunzip(bytes), '') }]
  if (a === 0x50 && b === 0x4b && c === 3 && d === 4) return unzip(bytes, EXTENSIONS[format])
  return [{ name: '', text: decode(bytes, '') }]
}

const tooLarge = (): Unreadable =>
  new Unreadable(
    `The archive holds more than ${UNPACKED_MAX / 2 ** 20} MB. Send its files one by one.`,
  )

const gunzip = async (bytes: Uint8Array): Promise<Uint8Array> => {
  const { Gunzip } = await import('fflate')
  const chunks: Uint8Array[] = []
  let size = 0
  const stream = new Gunzip((chunk) => {
    size += chunk.byteLength
    if (size > UNPACKED_MAX) throw tooLarge()
    chunks.push(chunk)
  })
  return damaged(() => {
    for (let start = 0; start < bytes.length; start += SLICE) {
      stream.push(bytes.subarray(start, start + SLICE), start + SLICE >= bytes.length)
    }
    return Buffer.concat(chunks)
  })
}

const SLICE = 65_536

const unzip = async (bytes: Uint8Array, extension: RegExp): Promise<File[]> => {
  const { unzipSync } = await import('fflate')
  let size = 0
  const files = damaged(() =>
    unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (!extension.test(name)) return false
        size += originalSize
        if (size > UNPACKED_MAX) throw tooLarge()
        return true
      },
    }),
  )
  const names = Object.keys(files).sort()
  if (names.length === 0) throw new Unreadable('The archive has no file of this format.')
  return names.map((name) => ({ name, text: decode(files[name] as Uint8Array, `${name}: `) }))
}

const damaged = <Result>(step: () => Result): Result => {
  try {
    return step()
  } catch (error) {
    throw error instanceof Unreadable ? error : new Unreadable('The archive is damaged.')
  }
}

const decode = (bytes: Uint8Array, where: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Unreadable(`${where}The file is not valid UTF-8. Save it again in UTF-8.`)
  }
}
