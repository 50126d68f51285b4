/** `labels` as in the text format, without braces; `suffix` is of a histogram's series. */
export type Sample = Readonly<{ suffix?: string; labels: string; value: number }>

export type Family = Readonly<{
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  help: string
  samples: readonly Sample[]
}>

export const labels = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join()

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

/** A family of one series without labels. */
export const single = (
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: number,
): Family => ({ name, type, help, samples: [{ labels: '', value }] })

/** With another label before those of each sample. */
export const withLabel = (family: Family, name: string, value: string): Family => ({
  ...family,
  samples: family.samples.map((sample) => ({
    ...sample,
    labels: [labels({ [name]: value }), sample.labels].filter(Boolean).join(),
  })),
})

/** Those of one name as one family, in the order in which the names come first. */
export const merged = (families: readonly Family[]): Family[] =>
  [...Map.groupBy(families, ({ name }) => name).values()].flatMap(([first, ...others]) =>
    first ? [{ ...first, samples: [first, ...others].flatMap(({ samples }) => samples) }] : [],
  )

/** The text format of Prometheus, version 0.0.4. */
export const textOf = (families: readonly Family[]): string =>
  families
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(
        (sample) =>
          `${name}${sample.suffix ?? ''}${sample.labels && `{${sample.labels}}`} ${sample.value}\n`,
      )
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
    })
    .join('')
