const MIN_BYTES = 32

/** What is wrong with a secret for HS256 (RFC 7518 section 3.2), or undefined. */
export const secretProblem = (secret: string): string | undefined => {
  if (secret.includes('-----BEGIN')) {
    return 'must be a shared secret, not a key file. For public keys set AUTH_JWKS_URL.'
  }
  return Buffer.byteLength(secret) < MIN_BYTES
    ? `must have at least ${MIN_BYTES} bytes. Make one with: openssl rand -base64 32`
    : undefined
}
