import type { Command } from 'commander';
import { type AddCommand, EXAMPLE_IMAGE } from '../command.ts';
import { substitutionsValue } from '../option-values.ts';
import { withProject } from './project-options.ts';

export function describeSubmit(program: Command, add: AddCommand): void {
  const submit = add(
    program,
    'submit [source]',
    {
      summary: 'upload a folder, build it by its cloudbuild.yaml, follow the log',
      about:
        'As gcloud builds submit: packs the folder by its .gcloudignore, uploads it, follows the log, and exits with the result of the build. Ctrl-C cancels the build.',
      examples: [
        'slipway submit',
        'slipway submit --config deploy/cloudbuild.yaml --substitutions _COMMIT_SHA=4f2c1e9',
        `slipway submit --tag ${EXAMPLE_IMAGE}:dev`,
      ],
    },
    async () => (await import('../commands/submit.ts')).submit,
  );
  withConfig(submit)
    .option('--tag <image>', "build the folder's Dockerfile and push it under this name, without a config")
    .option('--async', 'print the id and go')
    .option('--json', 'the build as JSON at the end; the log goes to standard error');
  const render = add(
    program,
    'render',
    {
      summary: 'the build as it would run: substituted, checked, planned',
      about: 'Shows a cloudbuild.yaml as it would run: substituted, checked, and in which order. Needs no server.',
      examples: ['slipway render --config deploy/cloudbuild.yaml --substitutions _COMMIT_SHA=4f2c1e9'],
    },
    async () => (await import('../commands/render.ts')).render,
  );
  withConfig(render)
    .option('--loose', 'keys without a value become empty, as in triggers')
    .option('--json', 'the build as JSON');
}

function withConfig(command: Command): Command {
  return withProject(command.option('--config <file>', 'the steps', 'cloudbuild.yaml')).option(
    '--substitutions <K=V,...>',
    'values for ${_K}',
    substitutionsValue,
    {},
  );
}
