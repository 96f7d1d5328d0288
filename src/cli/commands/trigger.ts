import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { WireDecision, WireSupposed, WireTriggerEvents } from '../../doors/cloudbuild/trigger-wire.ts';
import { hasErrorCode, messageOf, Problem } from '../../lib/problem.ts';
import { ago } from '../ago.ts';
import { type ApiClient, apiClient } from '../api-client.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { projectOf } from '../project.ts';
import { table } from '../table.ts';
import { UsageProblem } from '../usage-problem.ts';

interface TriggerOptions {
  region: string;
  project?: string;
  json?: boolean;
}

/** As much of a trigger as is shown in a line. */
interface TriggerView {
  name: string;
  id: string;
  disabled?: boolean;
  filename?: string;
  autodetect?: boolean;
  gitFileSource?: { path: string };
  repositoryEventConfig?: Filters & { repository?: string };
  github?: Filters & { owner?: string; name?: string };
  webhookConfig?: object;
  pubsubConfig?: { topic?: string };
  triggerTemplate?: { repoName?: string };
  cron?: { schedule: string; timeZone?: string };
}

interface Filters {
  push?: { branch?: string; tag?: string };
  pullRequest?: { branch?: string };
}

export async function listTriggers(context: CliContext, options: TriggerOptions): Promise<number> {
  const api = await apiClient(context);
  const found: TriggerView[] = [];
  for (let page = ''; ; ) {
    const answer = await api.json('GET', `${base(options)}/triggers${page}`);
    found.push(...((answer['triggers'] ?? []) as TriggerView[]));
    if (answer['nextPageToken'] === undefined) break;
    page = `?pageToken=${String(answer['nextPageToken'])}`;
  }
  if (options.json) context.terminal.out(`${JSON.stringify(found, null, 2)}\n`);
  else if (found.length === 0)
    context.terminal.out(
      `No triggers in ${projectOf(options.project)}, ${options.region} yet: slipway trigger create --file F\n`,
    );
  else {
    const rows = found.map((trigger) => [trigger.name, configOf(trigger), waitsFor(trigger)]);
    context.terminal.out(table([['NAME', 'BUILDS', 'WHEN'], ...rows], context.terminal.columns));
  }
  return EXIT.done;
}

export async function describeTrigger(context: CliContext, options: TriggerOptions, name: string): Promise<number> {
  const trigger = await (await apiClient(context)).json('GET', pathOf(options, name));
  context.terminal.out(`${JSON.stringify(trigger, null, 2)}\n`);
  return EXIT.done;
}

export async function createTrigger(context: CliContext, options: TriggerOptions & { file: string }): Promise<number> {
  const fields = await read(options.file);
  const made = await (await apiClient(context)).json('POST', `${base(options)}/triggers`, fields);
  context.terminal.out(
    options.json
      ? `${JSON.stringify(made)}\n`
      : `Created ${String(made['name'])}: ${waitsFor(made as unknown as TriggerView)}\n`,
  );
  return EXIT.done;
}

export async function scheduleTrigger(
  context: CliContext,
  options: TriggerOptions & { timeZone: string; off?: boolean },
  name: string,
  times: string | undefined,
): Promise<number> {
  if ((times === undefined) !== (options.off === true))
    throw new UsageProblem('give the times, or --off', "For example: slipway trigger schedule nightly '0 3 * * *'.");
  const change = times === undefined ? {} : { cron: { schedule: times, timeZone: options.timeZone } };
  const changed = await (await apiClient(context)).json('PATCH', `${pathOf(options, name)}?updateMask=cron`, change);
  context.terminal.out(`${name}: ${waitsFor(changed as unknown as TriggerView)}\n`);
  return EXIT.done;
}

export async function runTrigger(
  context: CliContext,
  options: TriggerOptions & { branch?: string; tag?: string; sha?: string; substitutions?: Record<string, string> },
  name: string,
): Promise<number> {
  const { branch, tag, sha, substitutions } = options;
  const source = { branchName: branch, tagName: tag, commitSha: sha, substitutions };
  const operation = await (await apiClient(context)).json('POST', `${pathOf(options, name)}:run`, {
    triggerId: name,
    source,
  });
  const { build } = operation['metadata'] as { build: { id: string; logUrl: string } };
  context.terminal.out(
    options.json
      ? `${JSON.stringify(build)}\n`
      : `${build.id}\n  follow it: slipway builds log ${build.id} --follow\n  ${build.logUrl}\n`,
  );
  return EXIT.done;
}

export async function deleteTrigger(context: CliContext, options: TriggerOptions, name: string): Promise<number> {
  await (await apiClient(context)).json('DELETE', pathOf(options, name));
  context.terminal.out(`Deleted ${name}\n`);
  return EXIT.done;
}

type CheckOptions = TriggerOptions & {
  branch?: string;
  tag?: string;
  baseBranch?: string;
  body?: string;
  message?: string;
  changed?: string[];
  comment?: string;
  external?: boolean;
};

export async function checkTrigger(context: CliContext, options: CheckOptions, name: string): Promise<number> {
  const supposed = await supposedBy(options);
  const answer = await (await apiClient(context)).json('POST', `${pathOf(options, name)}:check`, supposed);
  const decision = answer as unknown as WireDecision;
  if (options.json) context.terminal.out(`${JSON.stringify(decision)}\n`);
  else context.terminal.out(decision.build ? 'It starts a build.\n' : `It starts no build: ${decision.reason}.\n`);
  return decision.build ? EXIT.done : EXIT.failed;
}

async function supposedBy(options: CheckOptions): Promise<WireSupposed> {
  const { branch, tag, baseBranch, body, message, changed, comment, external } = options;
  const kinds = [branch, tag, baseBranch, body].filter((each) => each !== undefined);
  if (kinds.length !== 1) throw new UsageProblem('name one of --branch, --tag, --base-branch and --body');
  if (baseBranch === undefined && (comment !== undefined || external))
    throw new UsageProblem('--comment and --external belong to a merge request: --base-branch');
  if (body !== undefined) return { body: await read(body) };
  if (baseBranch !== undefined) return { baseBranch, message, changed, comment, external };
  return { branch, tag, message, changed };
}

export async function triggerEvents(
  context: CliContext,
  options: TriggerOptions & { limit: number },
  name: string | undefined,
): Promise<number> {
  const api: ApiClient = await apiClient(context);
  const query = new URLSearchParams({
    pageSize: String(options.limit),
    ...(name === undefined ? {} : { trigger: name }),
  });
  const { events } = (await api.json('GET', `${base(options)}/triggerEvents?${query}`)) as unknown as WireTriggerEvents;
  if (options.json) context.terminal.out(`${JSON.stringify(events, null, 2)}\n`);
  else if (events.length === 0) context.terminal.out('Nothing has happened yet.\n');
  else {
    const rows = events.map(({ at, triggerName, event, outcome, build, reason }) => [
      ago(at),
      triggerName,
      event,
      outcome === 'built' ? `built ${build}` : `${outcome}: ${reason}`,
    ]);
    context.terminal.out(
      table([['WHEN', 'TRIGGER', 'WHAT HAPPENED', 'WHAT CAME OF IT'], ...rows], context.terminal.columns),
    );
  }
  return EXIT.done;
}

function waitsFor(trigger: TriggerView): string {
  if (trigger.disabled) return 'disabled';
  const { repositoryEventConfig, github, cron } = trigger;
  const filters = repositoryEventConfig ?? github;
  if (filters !== undefined) {
    const of = repositoryEventConfig?.repository?.split('/').at(-1) ?? `github.com/${github?.owner}/${github?.name}`;
    const { push, pullRequest } = filters;
    if (pullRequest !== undefined) return `merge request into ${pullRequest.branch ?? 'any branch'} of ${of}`;
    return push?.tag === undefined ? `push to branch ${push?.branch} of ${of}` : `push of tag ${push.tag} of ${of}`;
  }
  if (cron !== undefined) return `at ${cron.schedule} ${cron.timeZone ?? 'UTC'}`;
  if (trigger.webhookConfig !== undefined) return 'call of its webhook';
  if (trigger.pubsubConfig !== undefined) return `message of ${trigger.pubsubConfig.topic} (not served)`;
  return trigger.triggerTemplate === undefined
    ? 'run by a person'
    : `run by a person, of ${trigger.triggerTemplate.repoName}`;
}

function configOf({ filename, autodetect, gitFileSource }: TriggerView): string {
  return gitFileSource?.path ?? filename ?? (autodetect ? 'what it finds' : 'its own build');
}

/** YAML, of which JSON is a part. */
async function read(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'EISDIR', 'EACCES')) throw error;
    throw new Problem('not-found', `${path} can't be read: ${messageOf(error)}`, {
      hint: 'It is the name of a file that holds it.',
    });
  }
  try {
    return parse(text, { maxAliasCount: 10 });
  } catch (error) {
    throw new Problem('invalid', `${path}: ${messageOf(error)}`);
  }
}

function base({ region, project }: TriggerOptions): string {
  return `/v1/projects/${encodeURIComponent(projectOf(project))}/locations/${encodeURIComponent(region)}`;
}

function pathOf(options: TriggerOptions, name: string): string {
  return `${base(options)}/triggers/${encodeURIComponent(name)}`;
}
