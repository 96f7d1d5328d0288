import type { Command } from 'commander';
import type { AddCommand } from '../command.ts';
import { countValue } from '../option-values.ts';
import { withAnyRegion } from './project-options.ts';

export function describeBuilds(program: Command, add: AddCommand): void {
  const builds = add(program, 'builds', {
    summary: 'list, describe, cancel, retry or approve builds; read their logs',
    about: 'Builds of this server, whichever client submitted them.',
  });
  withAnyRegion(
    add(
      builds,
      'list',
      { summary: 'the latest builds', about: 'The latest builds, newest first.' },
      async () => (await import('../commands/builds.ts')).listBuilds,
    ),
  )
    .option('--limit <n>', 'how many', countValue, 20)
    .option('--json', 'for programs');
  withAnyRegion(
    add(
      builds,
      'describe <id>',
      { summary: 'everything known of one build', about: 'Everything known of one build, as JSON.' },
      async () => (await import('../commands/builds.ts')).describeBuild,
    ),
  ).option('--json', 'it always is');
  withAnyRegion(
    add(
      builds,
      'log <id>',
      { summary: 'the log of one build', about: 'The log of one build, as far as it is written.' },
      async () => (await import('../commands/builds.ts')).buildLog,
    ),
  ).option('--follow', 'go on until the build ends, and exit with its result');
  withAnyRegion(
    add(
      builds,
      'cancel <id>',
      { summary: 'stop a build', about: 'Stops a build that waits or runs; what it started is ended and removed.' },
      async () => (await import('../commands/builds.ts')).cancelBuild,
    ),
  );
  withAnyRegion(
    add(
      builds,
      'retry <id>',
      {
        summary: 'the same again as a new build',
        about: 'Submits what a build was submitted as, with the same source, as a new build; prints its id.',
      },
      async () => (await import('../commands/builds.ts')).retryBuild,
    ),
  );
  withDecision(
    add(
      builds,
      'approve <id>',
      {
        summary: 'let a build go that waits for approval',
        about:
          'Lets a build of a trigger go that is PENDING, because its trigger asks for approval. It needs an admin.',
      },
      async () => (await import('../commands/builds.ts')).approveBuild,
    ),
  );
  withDecision(
    add(
      builds,
      'reject <id>',
      {
        summary: 'end a build that waits for approval',
        about: 'Ends a build that is PENDING: it becomes CANCELLED, and its log says who rejected it and why.',
      },
      async () => (await import('../commands/builds.ts')).rejectBuild,
    ),
  );
}

function withDecision(command: Command): void {
  withAnyRegion(command).option('--comment <text>', 'why').option('--url <url>', 'where it was talked about');
}
