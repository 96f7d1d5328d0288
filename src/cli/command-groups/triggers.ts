import type { Command } from 'commander';
import type { AddCommand } from '../command.ts';
import { collected, countValue, substitutionsValue } from '../option-values.ts';
import { withProject } from './project-options.ts';

export function describeTriggers(program: Command, add: AddCommand): void {
  const trigger = add(program, 'trigger', {
    summary: 'builds that start by themselves: pushes, webhooks, schedules',
    about:
      'Triggers of this server. gcloud builds triggers works on the same ones; check, events and schedule only exist here.',
  });
  withProject(
    add(
      trigger,
      'list',
      { summary: 'the triggers of a region', about: 'The triggers of a region, and what each waits for.' },
      async () => (await import('../commands/trigger.ts')).listTriggers,
    ),
  ).option('--json', 'for programs');
  withProject(
    add(
      trigger,
      'describe <name>',
      { summary: 'everything known of one trigger', about: 'Everything known of one trigger, as JSON.' },
      async () => (await import('../commands/trigger.ts')).describeTrigger,
    ),
  );
  withProject(
    add(
      trigger,
      'create',
      {
        summary: 'make a trigger from a file',
        about: 'Makes a trigger from a file with its fields as the API names them, in YAML or JSON.',
        examples: ['slipway trigger create --file nightly.yaml'],
      },
      async () => (await import('../commands/trigger.ts')).createTrigger,
    ),
  )
    .requiredOption('--file <path>', 'the trigger')
    .option('--json', 'for programs');
  withProject(
    add(
      trigger,
      'schedule <name> [times]',
      {
        summary: 'let a trigger start at times of its own',
        about:
          'Gives a trigger a schedule in five fields: minute, hour, day of month, month, day of week. Times that pass while the server is down are made up for by one build.',
        examples: [
          "slipway trigger schedule nightly '0 3 * * 1-5' --time-zone Europe/Warsaw",
          'slipway trigger schedule nightly --off',
        ],
      },
      async () => (await import('../commands/trigger.ts')).scheduleTrigger,
    ),
  )
    .option('--time-zone <name>', 'in which the times are meant', 'UTC')
    .option('--off', 'take the schedule away');
  withProject(
    add(
      trigger,
      'run <name>',
      {
        summary: 'start its build now',
        about: 'Starts a build of a trigger now, of its own branch or of what is named.',
      },
      async () => (await import('../commands/trigger.ts')).runTrigger,
    ),
  )
    .option('--branch <name>', 'branch to build')
    .option('--tag <name>', 'tag to build')
    .option('--sha <commit>', 'commit to build')
    .option('--substitutions <K=V,...>', 'beat those of trigger and file', substitutionsValue)
    .option('--json', 'for programs');
  withProject(
    add(
      trigger,
      'delete <name>',
      { summary: 'remove a trigger', about: 'Removes a trigger. Builds that it started stay.' },
      async () => (await import('../commands/trigger.ts')).deleteTrigger,
    ),
  );
  withProject(
    add(
      trigger,
      'check <name>',
      {
        summary: 'would this start a build, and if not, why',
        about:
          'Asks whether something would start a build of a trigger. Nothing is started. Exit code 1 says that nothing would be built.',
        examples: [
          'slipway trigger check main --branch main --changed docs/a.md --changed README.md',
          "slipway trigger check main --branch main --message 'typo [skip ci]'",
          'slipway trigger check requests --base-branch main --external --comment /gcbrun',
          'slipway trigger check deploy --body payload.json',
        ],
      },
      async () => (await import('../commands/trigger.ts')).checkTrigger,
    ),
  )
    .option('--branch <name>', 'a push to this branch')
    .option('--tag <name>', 'a push of this tag')
    .option('--base-branch <name>', 'a merge request into this branch')
    .option('--body <path>', 'a call of its webhook with this JSON')
    .option('--message <text>', 'message of the head commit')
    .option('--changed <path>', 'a file that changed; may be given several times', collected)
    .option('--comment <text>', 'a comment on the merge request')
    .option('--external', 'by somebody who may not push')
    .option('--json', 'for programs');
  withProject(
    add(
      trigger,
      'events [name]',
      {
        summary: 'what triggers made of what happened',
        about: 'What came in, newest first, and what was built of it, or why nothing was.',
      },
      async () => (await import('../commands/trigger.ts')).triggerEvents,
    ),
  )
    .option('--limit <n>', 'how many', countValue, 20)
    .option('--json', 'for programs');
}
