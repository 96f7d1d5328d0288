import { formatDuration } from '../../lib/bytes.ts';
import { Problem } from '../../lib/problem.ts';
import { ago } from '../ago.ts';
import { type ApiClient, apiClient } from '../api-client.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { type BuildView, buildPath, followLog, getBuild, logPath } from '../follow.ts';
import { projectOf } from '../project.ts';
import { table } from '../table.ts';

interface BuildsOptions {
  region: string;
  project?: string;
}

export async function listBuilds(
  context: CliContext,
  options: BuildsOptions & { limit: number; json?: boolean },
): Promise<number> {
  const api = await apiClient(context);
  const path = `${buildPath(projectOf(options.project), options.region)}?pageSize=${options.limit}`;
  const found = ((await api.json('GET', path))['builds'] ?? []) as BuildView[];
  if (options.json) context.terminal.out(`${JSON.stringify(found, null, 2)}\n`);
  else if (found.length === 0)
    context.terminal.out(
      `No builds in ${projectOf(options.project)}${options.region === '-' ? '' : `, ${options.region}`} yet: slipway submit\n`,
    );
  else {
    const rows = found.map((build) => [
      build.id,
      build.createTime === undefined ? '' : ago(Date.parse(build.createTime)),
      duration(build),
      build.status,
      imagesOf(build),
    ]);
    context.terminal.out(table([['ID', 'CREATED', 'TOOK', 'STATUS', 'IMAGES'], ...rows], context.terminal.columns));
  }
  return EXIT.done;
}

function duration(build: BuildView): string {
  if (build.startTime === undefined) return '';
  const end = build.finishTime === undefined ? Date.now() : Date.parse(build.finishTime);
  return formatDuration(end - Date.parse(build.startTime));
}

/** Without the host, which is the same for all and long. */
function imagesOf(build: BuildView): string {
  const [first, ...others] = build.results?.images ?? [];
  if (first === undefined) return '-';
  const name = first.name.slice(first.name.indexOf('/') + 1);
  return others.length === 0 ? name : `${name} and ${others.length} more`;
}

export async function describeBuild(context: CliContext, options: BuildsOptions, id: string): Promise<number> {
  const build = await named(id, async () => found(await apiClient(context), options, id));
  context.terminal.out(`${JSON.stringify(build, null, 2)}\n`);
  return EXIT.done;
}

export function cancelBuild(context: CliContext, options: BuildsOptions, id: string): Promise<number> {
  return act(context, options, id, 'cancel', {});
}

/** The new build's id is what stands first, so that it can be followed. */
export function retryBuild(context: CliContext, options: BuildsOptions, id: string): Promise<number> {
  return act(context, options, id, 'retry', {});
}

type Decided = BuildsOptions & { comment?: string; url?: string };

export function approveBuild(context: CliContext, options: Decided, id: string): Promise<number> {
  return decide(context, options, id, 'APPROVED');
}

export function rejectBuild(context: CliContext, options: Decided, id: string): Promise<number> {
  return decide(context, options, id, 'REJECTED');
}

function decide(context: CliContext, options: Decided, id: string, decision: string): Promise<number> {
  const { comment, url } = options;
  return act(context, options, id, 'approve', { approvalResult: { decision, comment, url } });
}

/** The answer is the build itself, or an operation that holds it. */
async function act(
  context: CliContext,
  options: BuildsOptions,
  id: string,
  verb: string,
  body: object,
): Promise<number> {
  const api = await apiClient(context);
  const path = `${buildPath(projectOf(options.project), options.region, id)}:${verb}`;
  const answer = (await named(id, () => api.json('POST', path, body))) as { metadata?: { build: BuildView } };
  const build = answer.metadata?.build ?? (answer as unknown as BuildView);
  context.terminal.out(`${build.id}  ${build.status}\n`);
  return EXIT.done;
}

export async function buildLog(
  context: CliContext,
  options: BuildsOptions & { follow?: boolean },
  id: string,
): Promise<number> {
  const api = await apiClient(context);
  const view = await named(id, () => found(api, options, id));
  if (options.follow) {
    const place = { project: projectOf(options.project), region: options.region, id };
    const ended = await followLog(api, place, (text) => context.terminal.out(text), context.signal);
    return ended.status === 'SUCCESS' ? EXIT.done : EXIT.failed;
  }
  const bytes = await api.bytes(logPath(view), 0);
  if (bytes !== undefined) context.terminal.out(bytes.toString('utf8'));
  return EXIT.done;
}

function found(api: ApiClient, options: BuildsOptions, id: string): Promise<BuildView> {
  return getBuild(api, projectOf(options.project), options.region, id);
}

/** The server's own "not found" names neither the build nor what to do: its text is Google's. */
async function named<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'not-found')) throw error;
    throw new Problem('not-found', `there is no build ${id}`, {
      hint: 'slipway builds list shows the ids; a build of another project needs its --project.',
    });
  }
}
