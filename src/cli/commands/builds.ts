import { formatDuration } from '../../lib/bytes.ts';
import { Problem } from '../../lib/problem.ts';
import { type ApiClient, apiClient } from '../api-client.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { type BuildView, buildPath, followLog, getBuild, logPath } from '../follow.ts';
import { projectOf } from '../project.ts';
import { ago, table } from '../terminal.ts';

interface BuildsOptions {
  region: string;
  project?: string;
  limit: string;
  follow?: boolean;
  json?: boolean;
}

export async function builds(
  context: CliContext,
  options: BuildsOptions,
  action: string,
  id?: string,
): Promise<number> {
  const api = await apiClient(context);
  if (action === 'list') return list(context, options, api);
  if (!['describe', 'log', 'cancel'].includes(action))
    throw new Problem('invalid', `slipway builds ${action}: no such action`, {
      hint: 'There is list, describe, log and cancel.',
    });
  if (id === undefined)
    throw new Problem('invalid', `slipway builds ${action}: which build?`, {
      hint: 'slipway builds list shows the ids.',
    });
  if (action === 'describe') return describe(context, options, api, id);
  if (action === 'cancel') return cancel(context, options, api, id);
  return log(context, options, api, id);
}

async function list(context: CliContext, options: BuildsOptions, api: ApiClient): Promise<number> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1)
    throw new Problem('invalid', `--limit ${options.limit}: not a number of builds`);
  const answer = await api.json('GET', `${buildPath(projectOf(options.project), options.region)}?pageSize=${limit}`);
  const found = (answer['builds'] ?? []) as BuildView[];
  if (options.json) context.terminal.out(`${JSON.stringify(found, null, 2)}\n`);
  else if (found.length === 0) context.terminal.out('No builds yet: slipway submit\n');
  else {
    const rows = found.map((build) => [
      build.id,
      build.createTime === undefined ? '' : ago(Date.parse(build.createTime)),
      duration(build),
      build.status,
      imagesOf(build),
    ]);
    context.terminal.out(table([['ID', 'CREATED', 'TOOK', 'STATUS', 'IMAGES'], ...rows]));
  }
  return EXIT.done;
}

function duration(build: BuildView): string {
  if (build.startTime === undefined) return '';
  const end = build.finishTime === undefined ? Date.now() : Date.parse(build.finishTime);
  return formatDuration(end - Date.parse(build.startTime));
}

function imagesOf(build: BuildView): string {
  const [first, ...others] = build.results?.images ?? [];
  if (first === undefined) return '-';
  return others.length === 0 ? first.name : `${first.name} (+${others.length} more)`;
}

async function describe(context: CliContext, options: BuildsOptions, api: ApiClient, id: string): Promise<number> {
  const build = await getBuild(api, projectOf(options.project), options.region, id);
  context.terminal.out(`${JSON.stringify(build, null, 2)}\n`);
  return EXIT.done;
}

async function cancel(context: CliContext, options: BuildsOptions, api: ApiClient, id: string): Promise<number> {
  const build = await api.json('POST', `${buildPath(projectOf(options.project), options.region, id)}:cancel`, {});
  context.terminal.out(`${id}  ${String(build['status'])}\n`);
  return EXIT.done;
}

async function log(context: CliContext, options: BuildsOptions, api: ApiClient, id: string): Promise<number> {
  const project = projectOf(options.project);
  if (options.follow) {
    const view = await followLog(
      api,
      { project, region: options.region, id },
      (text) => context.terminal.out(text),
      context.signal,
    );
    return view.status === 'SUCCESS' ? EXIT.done : EXIT.failed;
  }
  const bytes = await api.bytes(logPath(await getBuild(api, project, options.region, id)), 0);
  if (bytes !== undefined) context.terminal.out(bytes.toString('utf8'));
  return EXIT.done;
}
