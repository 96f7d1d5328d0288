import type { Command } from 'commander';
import type { AddCommand } from '../command.ts';
import { addressValue, contentValue } from '../option-values.ts';

export function describeServer(program: Command, add: AddCommand): void {
  add(
    program,
    'serve',
    {
      summary: 'run the server',
      about:
        'Runs the server until Ctrl-C: builds, registry and logs behind one port. It prints "ready URL" when it answers; its log goes to standard error.',
      examples: [
        'slipway serve',
        'slipway serve --data /srv/slipway --listen 127.0.0.1:7171',
        'slipway serve --content s3://team-images/slipway',
      ],
    },
    async () => (await import('../commands/serve.ts')).serve,
  )
    .option('--listen <host:port>', 'address of the HTTP doors (default 127.0.0.1:7070, or slipway.yaml)', addressValue)
    .option('--docker-socket <path>', "socket of docker's Engine API (default DATA/docker.sock)")
    .option(
      '--content <url>',
      'keep blobs in s3://BUCKET/PREFIX or gs://BUCKET/PREFIX, or on disk; what is elsewhere is copied there first',
      contentValue,
    );
  add(
    program,
    'env',
    {
      summary: 'print the settings that point gcloud, gsutil, docker and slipway at the server',
      about:
        'Prints export lines for a shell. gcloud gets a configuration folder of its own; your own gcloud set-up is not touched.',
      examples: ['eval "$(slipway env)"'],
    },
    async () => (await import('../commands/env.ts')).env,
  ).option('--project <id>', 'project that gcloud uses', 'demo');
  add(
    program,
    'status',
    { summary: 'whether a server runs, and where', about: 'Says whether a server runs on the data folder, and where.' },
    async () => (await import('../commands/status.ts')).status,
  ).option('--json', 'for programs');
}
