import { IMPORT_FORMATS, type ImportFormat } from '../../../application/ports.ts'
import { throwIfInvalid } from '../../../domain/errors.ts'
import { queryParameters } from '../transport/query-parameters.ts'

export const EXPORT_PARAMETERS = ['format'] as const
export const EXPORT_FORMATS = ['ndjson', 'csv'] as const
export const IMPORT_PARAMETERS = ['format', 'dry_run'] as const

const choice = <Value extends string>(
  field: string,
  given: string | undefined,
  values: readonly Value[],
): Value => {
  const value = values.find((each) => each === given)
  if (value === undefined) {
    throwIfInvalid([{ field, detail: `must be one of ${values.join(', ')}.` }])
  }
  return value as Value
}

export const readExportRequest = (search: string): (typeof EXPORT_FORMATS)[number] => {
  const { format = 'ndjson' } = queryParameters(search, EXPORT_PARAMETERS)
  return choice('format', format, EXPORT_FORMATS)
}

export const readImportRequest = (search: string): { format: ImportFormat; dryRun: boolean } => {
  const { format = 'json', dry_run = 'false' } = queryParameters(search, IMPORT_PARAMETERS)
  return {
    format: choice('format', format, IMPORT_FORMATS),
    dryRun: choice('dry_run', dry_run, ['true', 'false']) === 'true',
  }
}
