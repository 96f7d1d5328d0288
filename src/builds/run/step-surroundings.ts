import { join } from 'node:path';
import type { BuildStep } from '../build.ts';
import { sourceDir } from '../sources/source-dir.ts';
import type { BuildRun } from './run-context.ts';

export const HOME = '/builder/home';

/** What a step finds around it, in a container and with a native builder alike. */
export interface StepSurroundings {
  /** Without secrets, so that it may be shown. */
  env: Record<string, string>;
  /** Those that the step or the options name, by variable. */
  secrets: ReadonlyMap<string, string>;
  /** As the step sees it, e.g. `/workspace/deploy`. */
  cwd: string;
  /** Path in the step -> folder on this machine. */
  folders: Map<string, string>;
}

export async function surroundingsOf(run: BuildRun, step: BuildStep): Promise<StepSurroundings> {
  const { options } = run.build;
  return {
    env: variables([...(options.env ?? []), ...(step.env ?? [])]),
    secrets: secretsOf(run, [...(options.secretEnv ?? []), ...(step.secretEnv ?? [])]),
    cwd: workingFolder(step, sourceDir(run.build.source)),
    folders: await foldersOf(run, step),
  };
}

/** `K=V` lines as a map; of two with one name the later one counts. */
export function variables(pairs: readonly string[]): Record<string, string> {
  const env: Record<string, string> = Object.create(null);
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    env[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return env;
}

/** That every name has a value was checked when the build was submitted and again when its values were fetched. */
function secretsOf(run: BuildRun, names: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const name of names) {
    const value = run.secrets.get(name);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

/** An absolute one counts alone; any other stands below the source's own. */
function workingFolder(step: BuildStep, source: string): string {
  const dir = step.dir ?? '';
  return dir.startsWith('/') ? dir : join('/workspace', source, dir).replace(/\/$/, '');
}

async function foldersOf(run: BuildRun, step: BuildStep): Promise<Map<string, string>> {
  const folders = new Map([
    ['/workspace', run.workspace.workspace],
    [HOME, run.workspace.home],
  ]);
  for (const { name, path } of [...(run.build.options.volumes ?? []), ...(step.volumes ?? [])])
    folders.set(path.replace(/\/+$/, ''), await run.workspace.volume(name));
  return folders;
}
