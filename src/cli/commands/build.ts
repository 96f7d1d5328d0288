import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { BuildCall, ControlCalls, PushEvent } from '../../doors/control/wire.ts';
import type { BuildEvent } from '../../engine/engine.ts';
import { PlainProgress } from '../../engine/plain-progress.ts';
import { parsePlatform } from '../../images/platform.ts';
import { formatDuration, readSmall } from '../../lib/bytes.ts';
import { hasErrorCode, messageOf, Problem } from '../../lib/problem.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { type ExplainedBase, explained } from '../explained.ts';
import { projectOf } from '../project.ts';
import type { Terminal } from '../terminal.ts';
import { UsageProblem } from '../usage-problem.ts';
import { withControl } from '../with-control.ts';

interface BuildOptions {
  file?: string;
  tag?: string[];
  buildArg?: string[];
  label?: string[];
  target?: string;
  platform?: string;
  cacheFrom?: string[];
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
  const lines = progressLines(context.terminal, options);
  const plain = new PlainProgress(lines.write);
  const bases = new Map<number, ExplainedBase>();
  const onEvent = (event: BuildEvent | PushEvent) => {
    if (options.progress === 'json') context.terminal.out(`${JSON.stringify(event)}\n`);
    if (!('kind' in event)) return;
    noteBase(event, bases);
    plain.listen(event);
  };
  let result: ControlCalls['build']['result'];
  try {
    result = await withControl(context, (control) => control.call('build', call, onEvent, context.signal));
  } catch (error) {
    lines.failed();
    throw error;
  }
  if (options.progress === 'json') context.terminal.out(`${JSON.stringify({ result })}\n`);
  else if (options.quiet) context.terminal.out(`${result.image.id}\n`);
  else {
    if (options.explain) context.terminal.out(`${explained(result.steps, [...bases.values()])}\n`);
    const kept = result.kept ? ', the same as upstream' : '';
    context.terminal.out(`${result.image.target.digest}${kept}  ${formatDuration(result.ms)}\n`);
    for (const name of call.tags) context.terminal.out(`  ${name}\n`);
    for (const { reference } of result.pushed) context.terminal.out(`  pushed ${reference}\n`);
  }
  return EXIT.done;
}

/** As the engine names the vertex of a base (engine/solve.ts): `[build 1/4] FROM debian:12`. */
const FROM_VERTEX = /^\[(?:\S+ )?\d+\/\d+\] (FROM .*)$/;

function noteBase(event: BuildEvent, bases: Map<number, ExplainedBase>): void {
  const text = event.kind === 'vertex' ? FROM_VERTEX.exec(event.name)?.[1] : undefined;
  if (event.kind === 'vertex' && text !== undefined) bases.set(event.id, { text, cached: true });
  const base = event.kind === 'end' ? bases.get(event.id) : undefined;
  if (event.kind === 'end' && base !== undefined) base.cached = event.status === 'cached';
}

/** Of a quiet build that failed, so much of the end of its output is shown. */
const KEPT_LINES = 40;

/**
 * Where progress goes: to standard error at once, or, where the answer alone was asked for, nowhere until the build fails.
 * Then its last lines are shown, because the output of the RUN line that failed is the reason.
 */
function progressLines(terminal: Terminal, options: BuildOptions): { write(text: string): void; failed(): void } {
  if (options.progress === 'json') return { write: () => undefined, failed: () => undefined };
  const wanted = options.progress === 'plain' || !(options.quiet || options.explain);
  if (wanted) return { write: (text) => terminal.err(text), failed: () => undefined };
  const kept: string[] = [];
  return {
    write(text) {
      kept.push(text);
      if (kept.length > KEPT_LINES) kept.shift();
    },
    failed: () => terminal.err(kept.join('')),
  };
}

async function callOf(options: BuildOptions, folder: string): Promise<BuildCall> {
  if (!existsSync(folder))
    throw new Problem('not-found', `no such folder: ${folder}`, {
      hint: 'The argument of slipway build is the context: the folder whose files COPY takes.',
    });
  return {
    context: folder,
    dockerfile: await dockerfileOf(options.file, folder),
    tags: options.tag ?? [],
    buildArgs: pairs(options.buildArg ?? [], '--build-arg', (name) => process.env[name]),
    labels: pairs(options.label ?? [], '--label', () => ''),
    target: options.target,
    platform: options.platform === undefined ? undefined : parsePlatform(options.platform),
    cacheFrom: options.cacheFrom ?? [],
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
  return { text: await readOutside(file), name: file };
}

async function readOutside(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'EISDIR', 'ENOTDIR', 'EACCES')) throw error;
    throw new Problem('not-found', `the Dockerfile can't be read: ${messageOf(error)}`, {
      hint: '-f is a path from here, not from the context.',
    });
  }
}

function pairs(given: string[], flag: string, absent: (name: string) => string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of given) {
    const equals = entry.indexOf('=');
    const name = equals < 0 ? entry : entry.slice(0, equals);
    if (name === '')
      throw new UsageProblem(`${flag} ${entry}: there is no name before the =`, `Write ${flag} NAME=VALUE.`);
    const value = equals < 0 ? absent(name) : entry.slice(equals + 1);
    if (value !== undefined) found[name] = value;
  }
  return found;
}
