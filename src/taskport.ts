#!/usr/bin/env bun
import { Command, CommanderError } from 'commander'
import { version } from '../package.json'

const FAILED = 1
const WRONG_ARGUMENTS = 2

const oneLine = (message: string): string =>
  `${message
    .trim()
    .replace(/^error: |[.]$/g, '')
    .replaceAll('\n', ' ')}. See taskport --help.\n`

const program = new Command('taskport')
  .description('A task backend. Its configuration is read from the environment and from .env.')
  .version(version)
  .helpCommand(false)
  .configureOutput({ outputError: (message, write) => write(oneLine(message)) })
  .exitOverride()

program
  .command('serve')
  .description('start the server')
  .action(async () => void (await import('./main.ts')))

program
  .command('health')
  .description('ask the server with this configuration whether it is ready')
  .action(async () => (await import('./runtime/commands/health.ts')).checkHealth())

program
  .command('migrate')
  .description('bring the database up to date without starting the server')
  .action(async () => (await import('./runtime/commands/migrate.ts')).migrate())

program
  .command('backup [folder]')
  .description('back up tasks, accounts and secret to a new folder in this one, and verify it')
  .option('--keep <number>', 'afterwards remove all but the newest <number> backups')
  .action(async (folder, { keep }) =>
    (await import('./runtime/commands/backup.ts')).backup(version, folder, keep),
  )

program
  .command('verify <backup>')
  .description('check a backup: its files, all tasks, and a server that is started on a copy of it')
  .action(async (folder) => (await import('./runtime/commands/backup.ts')).verify(version, folder))

const user = program
  .command('user')
  .description('manage accounts of the built-in sign-in')
  .helpCommand(false)

user
  .command('list')
  .description('print email address, name, id and time of sign-up of each, with tabs between them')
  .action(async () => (await import('./runtime/commands/user.ts')).listUsers())

user
  .command('create <email>')
  .description('create an account and print the password that is generated for it')
  .option('--name <name>', 'instead of the part of the address before the @')
  .option('--password-stdin', 'read the password from standard input and print none')
  .action(async (email, options) =>
    (await import('./runtime/commands/user.ts')).createUser(email, options),
  )

user
  .command('reset-password <email>')
  .description('print a link that sets a new password, once, within an hour')
  .action(async (email) => (await import('./runtime/commands/user.ts')).printResetLink(email))

user
  .command('delete <email>')
  .description('delete an account and all its tasks')
  .option('--yes', 'required, since this cannot be undone')
  .action(async (email, { yes }) =>
    (await import('./runtime/commands/user.ts')).deleteUser(email, yes === true),
  )

program
  .command('token')
  .description('print a token signed with BETTER_AUTH_SECRET, for development')
  .requiredOption('--sub <user>', 'the user')
  .option('--expires <seconds>', 'until the token expires', '3600')
  .action(async ({ sub, expires }) =>
    (await import('./runtime/commands/token.ts')).printToken(sub, expires),
  )

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : WRONG_ARGUMENTS)
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(FAILED)
}
