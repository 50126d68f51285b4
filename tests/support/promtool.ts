import { within } from './wait.ts'

/** What Debian's `promtool check metrics` says of a text; empty if it has no objection. */
export const checkMetrics = async (text: string): Promise<string> => {
  const path = Bun.which('promtool')
  if (!path) throw new Error('promtool is missing. Install it as .ci/run does.')
  const child = Bun.spawn([path, 'check', 'metrics'], {
    stdin: new Blob([text]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  const code = await within(child.exited, 'promtool should end.')
  return code === 0 ? out + errors : `code ${code}: ${out}${errors}`
}

/** The value of each series, by its name and labels. */
export const readMetrics = (text: string): Map<string, number> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const end = line.lastIndexOf(' ')
        return [line.slice(0, end), Number(line.slice(end + 1))]
      }),
  )
