import { type Command, Option } from 'commander';
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
    .option('--priority <priority>', 'high: before the other builds of the project; low: when nothing else waits')
    .option('--async', 'print the id and go')
    .option('--json', 'the build as JSON at the end; the log goes to standard error');
  const run = add(
    program,
    'run [source]',
    {
      summary: 'the same build here and now, without upload, queue or server',
      about:
        "Runs a cloudbuild.yaml on a copy of the folder, filtered by its .gcloudignore, and shows its log. Layers, images and buckets are the data folder's, whether a server runs on it or not. Ctrl-C cancels the build; nothing of it stays.",
      examples: [
        'slipway run',
        'slipway run --step test --keep-workspace',
        'slipway run --from-step test --shell-on-failure',
      ],
    },
    async () => (await import('../commands/run.ts')).run,
  );
  withConfig(run)
    .option('--tag <image>', "build the folder's Dockerfile and push it under this name, without a config")
    .option('--step <id>', 'only this step, by id or number; nothing is pushed at the end')
    .option('--from-step <id>', 'this step and those behind it in the file')
    .option('--workspace <folder>', 'is /workspace itself, in place of a copy of the source')
    .option('--keep-workspace', 'leave /workspace as the steps left it, and say where')
    .option('--shell-on-failure', "on a terminal: a shell in a failed step's place");
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
  return withProject(command.option('--config <file>', 'the steps', 'cloudbuild.yaml')).addOption(
    new Option('--substitutions <K=V,...>', 'values for ${_K}').argParser(substitutionsValue).default({}, 'none'),
  );
}
