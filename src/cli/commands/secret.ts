import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { parseVersion } from '../../stores/secrets/secret-names.ts';
import { MAX_SECRET_BYTES, type SecretState } from '../../stores/secrets/secrets.ts';
import { ago } from '../ago.ts';
import type { CliContext } from '../context.ts';
import { projectOf } from '../project.ts';
import { table } from '../table.ts';
import { UsageProblem } from '../usage-problem.ts';
import { withControl } from '../with-control.ts';

interface SecretOptions {
  project?: string;
  json?: boolean;
}

interface ValueOptions extends SecretOptions {
  dataFile?: string;
}

const STATES = { enable: 'ENABLED', disable: 'DISABLED', destroy: 'DESTROYED' } satisfies Record<string, SecretState>;

export async function createSecret(
  context: CliContext,
  options: ValueOptions & { empty?: boolean; label?: string[] },
  secret: string,
): Promise<number> {
  const project = projectOf(options.project);
  const labels = Object.fromEntries((options.label ?? []).map(labelOf));
  const value = options.empty ? undefined : await readValue(context, options.dataFile);
  const made = await withControl(context, (control) =>
    control.call('createSecret', { project, secret, labels, value }),
  );
  if (options.json) context.terminal.out(`${JSON.stringify(made)}\n`);
  else
    context.terminal.out(
      `created ${secret} in project ${project}${made.version === undefined ? ', without a value' : ''}\n${inBuilds(project, secret)}`,
    );
  return 0;
}

/** What stands in a cloudbuild.yaml that uses it. */
function inBuilds(project: string, secret: string): string {
  const env = secret.toUpperCase().replaceAll('-', '_');
  return [
    'In a cloudbuild.yaml:',
    '  availableSecrets:',
    '    secretManager:',
    `    - versionName: projects/${project}/secrets/${secret}/versions/latest`,
    `      env: ${env}`,
    `and secretEnv: [${env}] in the steps that need it.\n`,
  ].join('\n');
}

export async function addVersion(context: CliContext, options: ValueOptions, secret: string): Promise<number> {
  const project = projectOf(options.project);
  const value = await readValue(context, options.dataFile);
  const made = await withControl(context, (control) => control.call('addSecretVersion', { project, secret, value }));
  context.terminal.out(options.json ? `${JSON.stringify(made)}\n` : `added version ${made.version} of ${secret}\n`);
  return 0;
}

export async function listSecrets(context: CliContext, options: SecretOptions): Promise<number> {
  const project = projectOf(options.project);
  const rows = await withControl(context, (control) => control.call('secrets', { project }));
  if (options.json) context.terminal.out(`${JSON.stringify(rows, null, 2)}\n`);
  else if (rows.length === 0)
    context.terminal.err(`Project ${project} has no secrets. slipway secret create NAME makes one.\n`);
  else {
    const lines = rows.map(({ secret, createTime, labels, versions }) => [
      secret,
      versions[0] === undefined ? 'none' : `${versions[0].version} ${versions[0].state.toLowerCase()}`,
      String(versions.length),
      ago(Date.parse(versions[0]?.createTime ?? createTime)),
      Object.entries(labels)
        .map((pair) => pair.join('='))
        .join(' '),
    ]);
    context.terminal.out(
      table([['NAME', 'LATEST', 'VERSIONS', 'CHANGED', 'LABELS'], ...lines], context.terminal.columns),
    );
  }
  return 0;
}

export async function listVersions(context: CliContext, options: SecretOptions, secret: string): Promise<number> {
  const project = projectOf(options.project);
  const rows = await withControl(context, (control) => control.call('secretVersions', { project, secret }));
  if (options.json) context.terminal.out(`${JSON.stringify(rows, null, 2)}\n`);
  else {
    const lines = rows.map(({ version, state, createTime, destroyTime }) => [
      String(version),
      state.toLowerCase(),
      ago(Date.parse(createTime)),
      destroyTime === undefined ? '' : ago(Date.parse(destroyTime)),
    ]);
    context.terminal.out(table([['VERSION', 'STATE', 'CREATED', 'DESTROYED'], ...lines], context.terminal.columns));
  }
  return 0;
}

/** Nothing is added to the bytes: `$(slipway secret get NAME)` and `> FILE` both get what was put in. */
export async function readSecret(
  context: CliContext,
  options: SecretOptions,
  secret: string,
  version = 'latest',
): Promise<number> {
  const request = { project: projectOf(options.project), secret, version: parseVersion(version) };
  const { payload } = await withControl(context, (control) => control.call('readSecret', request));
  context.terminal.out(Buffer.from(payload, 'base64'));
  return 0;
}

export function setState(
  verb: keyof typeof STATES,
): (context: CliContext, options: SecretOptions, secret: string, version: string) => Promise<number> {
  return async (context, options, secret, version) => {
    const number = parseVersion(version);
    if (number === 'latest') throw new UsageProblem(`slipway secret ${verb} takes the number of a version`);
    const request = { project: projectOf(options.project), secret, version: number, state: STATES[verb] };
    const { state } = await withControl(context, (control) => control.call('setSecretState', request));
    context.terminal.out(`version ${number} of ${secret} is ${state.toLowerCase()}\n`);
    return 0;
  };
}

export async function deleteSecret(context: CliContext, options: SecretOptions, secret: string): Promise<number> {
  const project = projectOf(options.project);
  const gone = await withControl(context, (control) => control.call('removeSecret', { project, secret }));
  if (!gone)
    throw new Problem('not-found', `there is no secret ${secret} in project ${project}`, {
      hint: `slipway secret list --project ${project} shows those that are there.`,
    });
  context.terminal.out(`deleted ${secret} with all its versions\n`);
  return 0;
}

export async function audit(
  context: CliContext,
  options: SecretOptions & { limit: number },
  secret?: string,
): Promise<number> {
  const request = { project: projectOf(options.project), secret, limit: options.limit };
  const events = await withControl(context, (control) => control.call('secretEvents', request));
  if (options.json) context.terminal.out(`${JSON.stringify(events, null, 2)}\n`);
  else {
    const lines = events.map((event) => [
      event.at.slice(0, 19).replace('T', ' '),
      event.actor,
      event.action,
      event.secret,
      event.version === undefined ? '' : String(event.version),
    ]);
    context.terminal.out(
      table([['WHEN (UTC)', 'WHO', 'WHAT', 'SECRET', 'VERSION'], ...lines], context.terminal.columns),
    );
  }
  return 0;
}

function labelOf(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageProblem(`--label ${text}: expected K=V`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** @returns base64. @throws Problem `not-found`, `invalid` when it is too long */
async function readValue(context: CliContext, file: string | undefined): Promise<string> {
  const stream: Readable = file === undefined || file === '-' ? process.stdin : createReadStream(file);
  if (stream === process.stdin && process.stdin.isTTY)
    context.terminal.err('Type the value, then Ctrl-D at the beginning of a line:\n');
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_SECRET_BYTES)
        throw new Problem('invalid', `a secret may have ${MAX_SECRET_BYTES} bytes; this one has more`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) throw new Problem('not-found', `there is no file ${file}`);
    if (hasErrorCode(error, 'EISDIR', 'EACCES'))
      throw new Problem('invalid', `${file} can't be read`, { cause: error });
    throw error;
  }
  const value = Buffer.concat(chunks);
  if (size === 0)
    throw new UsageProblem(
      'there is no value',
      'Give it on standard input or with --data-file FILE; create --empty makes a secret without one.',
    );
  const isOneLine = value.indexOf('\n') === value.length - 1 && value.length > 1;
  if (isOneLine) context.terminal.err("note: the value ends with a newline, which is kept; printf '%s' writes none\n");
  return value.toString('base64');
}
