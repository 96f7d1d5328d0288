import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { BuildCall, PushEvent } from '../../doors/control/wire.ts';
import type { BuildEvent, ImageBuildResult } from '../../engine/engine.ts';
import { PlainProgress } from '../../engine/plain-progress.ts';
import { parsePlatform } from '../../images/platform.ts';
import { formatDuration, readSmall } from '../../lib/bytes.ts';
import { Problem } from '../../lib/problem.ts';
import type { CliContext } from '../context.ts';
import { projectOf } from '../project.ts';
import { table } from '../terminal.ts';
import { withControl } from '../with-control.ts';

interface BuildOptions {
  file?: string;
  tag: string[];
  buildArg: string[];
  label: string[];
  target?: string;
  platform?: string;
  cacheFrom: string[];
  cache: boolean;
  pull?: boolean;
  push?: boolean;
  network: 'default' | 'none' | 'host';
  progress: 'auto' | 'plain' | 'json';
  explain?: boolean;
  project?: string;
  quiet?: boolean;
}

/** Standard input may be the Dockerfile (`-f -`); a Dockerfile of more than 4 MiB is a mistake. */
const DOCKERFILE_LIMIT = 4 << 20;

export async function build(context: CliContext, options: BuildOptions, folder = '.'): Promise<number> {
  const call = await callOf(options, resolve(folder));
  const progress = new PlainProgress((text) => context.terminal.err(text));
  const onEvent = (event: BuildEvent | PushEvent) => {
    if (options.quiet) return;
    if (options.progress === 'json') context.terminal.out(`${JSON.stringify(event)}\n`);
    else if ('kind' in event) progress.listen(event);
  };
  const result = await withControl(context, (control) => control.call('build', call, onEvent, context.signal));
  if (options.progress === 'json') context.terminal.out(`${JSON.stringify({ result })}\n`);
  else if (options.quiet) context.terminal.out(`${result.image.id}\n`);
  else {
    if (options.explain) context.terminal.out(explained(result));
    const kept = result.kept ? ', the same as upstream' : '';
    context.terminal.out(`${result.image.target.digest}${kept}  ${formatDuration(result.ms)}\n`);
    for (const name of call.tags) context.terminal.out(`  ${name}\n`);
    for (const { reference } of result.pushed) context.terminal.out(`  pushed ${reference}\n`);
  }
  return 0;
}

async function callOf(options: BuildOptions, folder: string): Promise<BuildCall> {
  if (!existsSync(folder)) throw new Problem('not-found', `no such folder: ${folder}`);
  return {
    context: folder,
    dockerfile: await dockerfileOf(options.file, folder),
    tags: options.tag,
    buildArgs: pairs(options.buildArg, '--build-arg', (name) => process.env[name]),
    labels: pairs(options.label, '--label', () => ''),
    target: options.target,
    platform: options.platform === undefined ? undefined : parsePlatform(options.platform),
    cacheFrom: options.cacheFrom,
    noCache: !options.cache,
    pull: options.pull === true,
    push: options.push === true,
    network: options.network,
    project: projectOf(options.project),
  };
}

/** A file outside of the context is read here and sent as text. */
async function dockerfileOf(file: string | undefined, folder: string): Promise<BuildCall['dockerfile']> {
  if (file === undefined) return { path: 'Dockerfile' };
  if (file === '-')
    return { text: (await readSmall(process.stdin, DOCKERFILE_LIMIT)).toString('utf8'), name: 'Dockerfile' };
  const path = relative(folder, resolve(file));
  if (!path.startsWith('..')) return { path };
  return { text: await readFile(file, 'utf8'), name: file };
}

function pairs(given: string[], flag: string, absent: (name: string) => string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of given) {
    const equals = entry.indexOf('=');
    const name = equals < 0 ? entry : entry.slice(0, equals);
    if (name === '') throw new Problem('invalid', `${flag} ${entry}: there is no name before the =`);
    const value = equals < 0 ? absent(name) : entry.slice(equals + 1);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

function explained(result: ImageBuildResult): string {
  const rows = result.steps.map((step, i) => [
    String(i + 1),
    step.text.length > 44 ? `${step.text.slice(0, 43)}…` : step.text,
    step.status === 'ran' ? `ran ${formatDuration(step.ms)}` : step.status === 'cached' ? 'cached' : 'no layer',
    step.reason ?? '',
  ]);
  return table(rows);
}
