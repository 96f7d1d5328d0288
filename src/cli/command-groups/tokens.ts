import { type Command, Option } from 'commander';
import type { AddCommand } from '../command.ts';
import { collected, durationValue } from '../option-values.ts';

export function describeTokens(program: Command, add: AddCommand): void {
  const token = add(program, 'token', {
    summary: 'create, list or revoke tokens',
    about:
      'Tokens let other people, machines and CI jobs in. docker login takes one as the password, with any user name.',
  });
  add(
    token,
    'create',
    {
      summary: 'make a token; it is shown once',
      about: 'Makes a token and prints it, once: only its hash is kept.',
      examples: [
        'slipway token create --role writer --project demo --note "GitLab" > token',
        "slipway token create --role reader --repository 'demo/live-coding/*' --expires 30d",
        'docker login -u token --password-stdin 127.0.0.1:7070 < token',
      ],
    },
    async () => (await import('../commands/token.ts')).createToken,
  )
    .addOption(
      new Option('--role <role>', 'what the token may do').choices(['reader', 'writer', 'admin']).default('reader'),
    )
    .option('--project <id>', 'project that it is for; * for all', 'demo')
    .option('--repository <P/R/*>', 'only this repository, or images of it (P/R/team/*); may be repeated', collected)
    .option('--expires <duration>', 'for example 12h or 30d; never, if absent', durationValue)
    .option('--note <text>', 'what it is for', '')
    .option('--json', 'for programs');
  add(
    token,
    'list',
    { summary: 'tokens and when they were used', about: 'Tokens, what they may do, and when they were last used.' },
    async () => (await import('../commands/token.ts')).listTokens,
  ).option('--json', 'for programs');
  add(
    token,
    'revoke <id>',
    { summary: 'end a token', about: 'Ends a token at once; clients that use it are refused from now on.' },
    async () => (await import('../commands/token.ts')).revokeToken,
  );
  add(
    program,
    'docker-cert <folder>',
    {
      summary: 'let a docker client on another machine in',
      about:
        'Makes a client certificate for one project, and writes it as docker reads it: ca.pem, cert.pem and key.pem. The server takes such clients at docker.listen of slipway.yaml.',
      examples: ['slipway docker-cert --project demo ./certs'],
    },
    async () => (await import('../commands/docker-cert.ts')).dockerCertificate,
  )
    .option('--project <id>', 'project that the client works in', 'demo')
    .option('--expires <duration>', 'for example 90d; a year, if absent', durationValue);
  add(
    program,
    'docker-credential <operation>',
    {
      summary: 'let docker, podman and skopeo log in by themselves',
      about:
        'Speaks the protocol of credential helpers: `get` reads a host and answers with a token of an hour. Put bin/ on the PATH and name "slipway" for the host under credHelpers in docker\'s config.json.',
      examples: ['echo 127.0.0.1:7070 | slipway docker-credential get'],
    },
    async () => (await import('../commands/docker-credential.ts')).dockerCredential,
  );
}
