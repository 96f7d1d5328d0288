import type { Command } from 'commander';
import type { AddCommand } from '../command.ts';
import { countValue } from '../option-values.ts';
import { withProject } from './project-options.ts';

export function describeBuilds(program: Command, add: AddCommand): void {
  const builds = add(program, 'builds', {
    summary: 'list, describe or cancel builds; read their logs',
    about: 'Builds of this server, whichever client submitted them.',
  });
  withProject(
    add(
      builds,
      'list',
      { summary: 'the latest builds', about: 'The latest builds, newest first.' },
      async () => (await import('../commands/builds.ts')).listBuilds,
    ),
  )
    .option('--limit <n>', 'how many', countValue, 20)
    .option('--json', 'for programs');
  withProject(
    add(
      builds,
      'describe <id>',
      { summary: 'everything known of one build', about: 'Everything known of one build, as JSON.' },
      async () => (await import('../commands/builds.ts')).describeBuild,
    ),
  ).option('--json', 'it always is');
  withProject(
    add(
      builds,
      'log <id>',
      { summary: 'the log of one build', about: 'The log of one build, as far as it is written.' },
      async () => (await import('../commands/builds.ts')).buildLog,
    ),
  ).option('--follow', 'go on until the build ends, and exit with its result');
  withProject(
    add(
      builds,
      'cancel <id>',
      { summary: 'stop a build', about: 'Stops a build that waits or runs; what it started is ended and removed.' },
      async () => (await import('../commands/builds.ts')).cancelBuild,
    ),
  );
}
