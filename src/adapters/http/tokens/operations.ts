import {
  AUTHENTICATED,
  BODY_FAILURES,
  describeOperations,
  requestBody,
} from '../openapi/operation.ts'
import { ID } from '../openapi/parameters.ts'
import { response } from '../openapi/responses.ts'
import { arrayOf, TEXT } from '../openapi/schema.ts'
import { JSON_TYPE } from '../transport/read-json.ts'
import { tokenRef } from './schema.ts'

const { NewToken, Token, TokenDraft } = tokenRef

/** Any other text is an id that no token has. */
const TOKEN_ID = { ...ID, schema: TEXT }

/** Without a scope: a stolen token could outlive its revocation by making others. */
export const operations = describeOperations('tokens', AUTHENTICATED, {
  createToken: {
    summary: 'Create a personal token',
    description:
      'A bearer token for scripts and devices, with the given scopes, until expires_at or until it is deleted. It is shown only once. A name need not be unique. At most 50 per user. Takes no Idempotency-Key, because the token is not stored: delete one whose response was lost.',
    requestBody: requestBody(TokenDraft, JSON_TYPE, {
      name: 'backup script',
      scopes: ['tasks:read'],
      expires_at: null,
    }),
    responses: { 201: response('The token.', NewToken, 'Location') },
    failures: [...BODY_FAILURES, 'quota-exceeded'],
  },
  listTokens: {
    summary: 'List personal tokens',
    description: 'Oldest first, expired ones too.',
    responses: { 200: response('The tokens.', arrayOf(Token)) },
  },
  deleteToken: {
    summary: 'Revoke a personal token',
    description:
      'It is refused from the next request on. Event streams that were opened with it are sent nothing more, and end within 15 seconds.',
    parameters: [TOKEN_ID],
    responses: { 204: response('The token is revoked.', null) },
    failures: ['not-found'],
  },
})
