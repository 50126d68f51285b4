let passwords: ReadonlySet<string> | undefined

/** Some 20 000 words, which take tens of milliseconds to load. */
export const loadCommonPasswords = async (): Promise<void> => {
  if (passwords) return
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  passwords = new Set(dictionary['passwords-common'].filter((word) => word.length >= 8))
}

export const isCommonPassword = (password: string): boolean =>
  passwords?.has(password.toLowerCase()) ?? false
