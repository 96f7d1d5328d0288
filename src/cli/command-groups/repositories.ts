import { type Command, Option } from 'commander';
import { type AddCommand, EXAMPLE_IMAGE } from '../command.ts';
import { collected, countValue, durationValue } from '../option-values.ts';

/** Our own registry: repositories with their settings, tags and what they meant, deletion and its undoing. */
export function describeRepositories(program: Command, add: AddCommand): void {
  describeTags(program, add);
  const repo = add(program, 'repo', {
    summary: 'repositories of this registry: modes, cleanup, audit, undelete',
    about:
      'Repositories as Artifact Registry has them; gcloud artifacts repositories works on them as well. A NAME is PROJECT/REPOSITORY, or LOCATION/PROJECT/REPOSITORY.',
  });
  describeSettings(repo, add);
  describeRemoval(repo, add);
}

function describeTags(program: Command, add: AddCommand): void {
  add(
    program,
    'tags <image>',
    {
      summary: 'tags of an image, what one meant before, or on a day',
      about:
        'Lists the tags of an image of this registry. With a tag: what it meant and when, also of images elsewhere, as far as this server has seen. With @{DATE}: what it meant then.',
      examples: [
        `slipway tags ${EXAMPLE_IMAGE}`,
        `slipway tags ${EXAMPLE_IMAGE}:latest`,
        "slipway tags 'python:3.11-slim-bullseye@{2026-09-30}'",
      ],
    },
    async () => (await import('../commands/tags.ts')).tags,
  ).option('--json', 'for programs');
  add(
    program,
    'rmi <images...>',
    {
      summary: 'take names from images',
      about:
        'Takes local names from images; with --registry, tags and versions (NAME@DIGEST) of this registry, which slipway repo undelete brings back.',
      examples: ['slipway rmi api:dev', `slipway rmi --registry ${EXAMPLE_IMAGE}:old`],
    },
    async () => (await import('../commands/rmi.ts')).rmi,
  ).option('--registry', 'from this registry, not from the local names');
}

function describeSettings(repo: Command, add: AddCommand): void {
  add(
    repo,
    'list',
    { summary: 'repositories and their sizes', about: 'Repositories, how they are filled, and what they hold.' },
    async () => (await import('../commands/repo-show.ts')).listRepositories,
  )
    .option('--project <id>', 'of one project')
    .option('--json', 'for programs');
  add(
    repo,
    'describe <name>',
    {
      summary: 'every setting of one repository',
      about: 'Every setting of one repository, its size and its policies.',
    },
    async () => (await import('../commands/repo-show.ts')).describeRepository,
  ).option('--json', 'for programs');
  withSettings(
    add(
      repo,
      'create <name>',
      {
        summary: 'make a repository',
        about: 'Makes a repository. The first push makes one too, a standard one.',
        examples: [
          'slipway repo create base/hub --mode remote --docker-hub',
          'slipway repo create base/quay --mode remote --upstream https://quay.io --platform linux/amd64',
          'slipway repo create demo/all --mode virtual --member demo/live-coding=20 --member base/hub=10',
          'slipway repo create demo/releases --immutable-tags --cleanup-policies policies.json',
        ],
      },
      async () => (await import('../commands/repo-change.ts')).createRepository,
    )
      .addOption(
        new Option('--mode <mode>', 'how it is filled').choices(['standard', 'remote', 'virtual']).default('standard'),
      )
      .option('--docker-hub', 'remote: of Docker Hub')
      .option('--upstream <url>', 'remote: of this registry, for example https://quay.io')
      .option('--username <name>', 'remote: user at the upstream')
      .option('--password-file <file>', "remote: file of this machine with that user's password")
      .option('--platform <os/arch>', 'remote: fetch these with an index, whatever is asked for', collected)
      .option('--fresh <time>', 'remote: how long a tag is believed without asking (default 5m)', durationValue),
  );
  // the positive form of an option comes first, else commander takes the negative one for a default of true
  withSettings(
    add(
      repo,
      'update <name>',
      {
        summary: 'change settings',
        about: 'Changes settings; what is not named stays.',
        examples: ['slipway repo update demo/releases --no-immutable-tags', 'slipway repo update base/hub --public'],
      },
      async () => (await import('../commands/repo-change.ts')).updateRepository,
    ),
  )
    .option('--no-immutable-tags', 'tags may move again')
    .option('--no-public', 'pulls need a token again');
}

function withSettings(command: Command): Command {
  return command
    .option('--description <text>', 'what it is for')
    .option('--immutable-tags', 'a tag that was set can be neither moved nor removed')
    .option('--public', 'everybody may pull')
    .option('--member <name[=priority]>', 'virtual: a repository behind it; the highest priority wins', collected)
    .option('--cleanup-policies <file>', 'what goes by itself, in the JSON that gcloud takes (name, action, condition)')
    .option('--cleanup-dry-run', 'policies only say what they would do')
    .option('--no-cleanup-dry-run', 'policies do it')
    .option('--json', 'for programs');
}

function describeRemoval(repo: Command, add: AddCommand): void {
  add(
    repo,
    'delete <name>',
    { summary: 'delete a repository with its images', about: 'Deletes a repository with all of its images.' },
    async () => (await import('../commands/repo-change.ts')).deleteRepository,
  );
  add(
    repo,
    'cleanup <name>',
    {
      summary: 'apply the cleanup policies now, or say what they would do',
      about:
        'Applies the cleanup policies now, as the server does every hour. --dry-run gives the reason for every version.',
      examples: ['slipway repo cleanup demo/releases --dry-run'],
    },
    async () => (await import('../commands/repo-cleanup.ts')).cleanupRepository,
  )
    .option('--dry-run', 'delete nothing; say for every version whether it would go and why')
    .option('--json', 'for programs, one object per line');
  add(
    repo,
    'deleted <image>',
    { summary: 'what can be brought back', about: 'Versions of an image that were deleted and can be brought back.' },
    async () => (await import('../commands/repo-undelete.ts')).listDeleted,
  ).option('--json', 'for programs');
  add(
    repo,
    'undelete <image@digest>',
    { summary: 'bring a deleted version back', about: 'Brings a deleted version back, with its tags.' },
    async () => (await import('../commands/repo-undelete.ts')).undelete,
  );
  add(
    repo,
    'events [name]',
    {
      summary: 'who pushed, moved and deleted what',
      about: 'The audit trail, newest first: of one repository, or of all.',
    },
    async () => (await import('../commands/repo-events.ts')).listEvents,
  )
    .option('--limit <n>', 'how many', countValue, 50)
    .option('--json', 'for programs');
}
