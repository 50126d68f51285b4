type Schema = Readonly<Record<string, unknown>>

/**
 * TypeBox schemas as an OpenAPI document has them: those with a `$id` inside others by reference,
 * texts that are alternatives as an enumeration, and a `discriminator` with its mapping.
 */
export const toComponents = (
  schemas: Readonly<Record<string, object>>,
): Readonly<Record<string, object>> =>
  Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, membersOf(schema as Schema)]),
  )

const convert = (part: unknown): unknown => {
  if (Array.isArray(part)) return part.map(convert)
  if (!isObject(part)) return part
  return '$id' in part ? { $ref: pathOf(part) } : membersOf(part)
}

const membersOf = ({ $id: _, anyOf, discriminator, ...rest }: Schema): Schema => ({
  ...Object.fromEntries(Object.entries(rest).map(([name, part]) => [name, convert(part)])),
  ...(Array.isArray(anyOf) && alternatives(anyOf, discriminator)),
})

const alternatives = (schemas: readonly Schema[], discriminator: unknown): Schema => {
  if (isObject(discriminator)) {
    const propertyName = String(discriminator['propertyName'])
    const mapping = schemas.map((one) => [constantOf(one, propertyName), pathOf(one)])
    return {
      oneOf: schemas.map(convert),
      discriminator: { propertyName, mapping: Object.fromEntries(mapping) },
    }
  }
  const values = schemas.map((one) => one['const'])
  return values.every((value) => typeof value === 'string')
    ? { type: 'string', enum: values }
    : { anyOf: schemas.map(convert) }
}

const isObject = (part: unknown): part is Schema => typeof part === 'object' && part !== null

const pathOf = ({ $id }: Schema): string => `#/components/schemas/${$id}`

const constantOf = ({ properties }: Schema, name: string): unknown =>
  (properties as Readonly<Record<string, Schema>>)[name]?.['const']
