import type { Command } from 'commander';
import type { AddCommand } from '../command.ts';
import { collected, countValue } from '../option-values.ts';

const PROJECT = ['--project <id>', 'whose secret (else $CLOUDSDK_CORE_PROJECT, else demo)'] as const;
const JSON_OPTION = ['--json', 'for programs'] as const;
const VALUE = ['--data-file <path>', 'file with the value, byte for byte; - or nothing: standard input'] as const;

export function describeSecrets(program: Command, add: AddCommand): void {
  const secret = add(program, 'secret', {
    summary: 'keep values that builds need and nobody may read',
    about:
      'Secrets are encrypted in the data folder, given to the steps that name them, and masked in logs. gcloud secrets works on the same ones.',
  });
  add(
    secret,
    'create <name>',
    {
      summary: 'make a secret with its first value',
      about: 'Makes a secret; its first value is read from a file or from standard input, never from the command line.',
      examples: [
        'slipway secret create npm-token < token.txt',
        "printf %s 's3cret' | slipway secret create db-password --project shop",
        'slipway secret create deploy-key --data-file ~/.ssh/deploy',
      ],
    },
    async () => (await import('../commands/secret.ts')).createSecret,
  )
    .option(...VALUE)
    .option('--empty', 'without a value, for later')
    .option('--label <K=V>', 'label of the secret', collected)
    .option(...PROJECT)
    .option(...JSON_OPTION);
  add(
    secret,
    'add <name>',
    {
      summary: 'give a secret a new value',
      about: 'Adds a version, which is the latest from now on; those before it stay until they are destroyed.',
      examples: ['slipway secret add npm-token < new-token.txt'],
    },
    async () => (await import('../commands/secret.ts')).addVersion,
  )
    .option(...VALUE)
    .option(...PROJECT)
    .option(...JSON_OPTION);
  add(
    secret,
    'list',
    { summary: 'names of secrets', about: 'Secrets of a project and their newest versions, without values.' },
    async () => (await import('../commands/secret.ts')).listSecrets,
  )
    .option(...PROJECT)
    .option(...JSON_OPTION);
  add(
    secret,
    'versions <name>',
    { summary: 'versions of one secret', about: 'Versions of a secret, newest first, without values.' },
    async () => (await import('../commands/secret.ts')).listVersions,
  )
    .option(...PROJECT)
    .option(...JSON_OPTION);
  add(
    secret,
    'get <name> [version]',
    {
      summary: 'print a value',
      about: 'Prints a value, byte for byte, and notes that it was read; the version is the newest if none is given.',
      examples: ['slipway secret get npm-token', 'slipway secret get deploy-key 3 > deploy'],
    },
    async () => (await import('../commands/secret.ts')).readSecret,
  ).option(...PROJECT);
  for (const [verb, summary, about] of [
    ['disable', 'refuse a version for a while', 'Refuses a version to everybody until it is enabled again.'],
    ['enable', 'give a disabled version back', 'Gives a disabled version back.'],
    ['destroy', 'remove the bytes of a version for good', 'Removes the value of a version; its number stays taken.'],
  ] as const)
    add(secret, `${verb} <name> <version>`, { summary, about }, async () =>
      (await import('../commands/secret.ts')).setState(verb),
    ).option(...PROJECT);
  add(
    secret,
    'delete <name>',
    { summary: 'remove a secret with all its versions', about: 'Removes a secret with all its versions, at once.' },
    async () => (await import('../commands/secret.ts')).deleteSecret,
  ).option(...PROJECT);
  add(
    secret,
    'audit [name]',
    {
      summary: 'who had a value or changed something',
      about: 'Who had a value and who changed something, newest first; of one secret or of all of a project.',
    },
    async () => (await import('../commands/secret.ts')).audit,
  )
    .option('--limit <n>', 'how many', countValue, 50)
    .option(...PROJECT)
    .option(...JSON_OPTION);
}
