import type { Instant } from '../domain/due-date.ts'
import type { UserId } from '../domain/task.ts'
import type { Token } from '../domain/token.ts'

/** `at` is the minute. */
export type TokenUse = Readonly<{ hash: string; at: Instant }>

/**
 * Personal tokens. With the guarantees of `TaskStore`, and its exceptions: a secret stands for its
 * owner, so `find` and `noteUses` take hashes only.
 */
export type TokenStore = Readonly<{
  /** `limit`: the owner has `most`. Throws `unauthenticated` when the account was deleted. */
  create(token: Token, most: number): Promise<'created' | 'limit'>
  /** Oldest first. */
  list(owner: UserId): Promise<Token[]>
  /** False when the owner has none with this id. */
  remove(owner: UserId, id: string): Promise<boolean>
  /** Undefined as soon as `remove` has resolved, in whichever process it was called. */
  find(hash: string): Promise<Token | undefined>
  /** Raises `last_used_at`, never lowers it. A use may be lost; the next one makes up for it. */
  noteUses(uses: readonly TokenUse[]): Promise<void>
}>

/**
 * A token is `tp_`, 32 random bytes in base62 (43 characters) and their CRC-32 in base62 (6). What is
 * looked up is a hash of all that randomness, so the time of a comparison gives nothing away.
 */
export type TokenSecrets = Readonly<{
  create(): string
  /** SHA-256; undefined when the form or the checksum is wrong, as after a typing error. */
  hash(token: string): string | undefined
}>
