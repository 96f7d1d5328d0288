import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { BuildCall } from '../doors/control/wire.ts';
import { parseCacheExport, parseCacheImport } from '../engine/options/cache.ts';
import { parseContext, parseNamedContext } from '../engine/options/context.ts';
import { parseSecret, SECRET_LIMIT } from '../engine/options/secret.ts';
import type { CacheExport, CacheImport, Entitlement, NamedContext } from '../engine/request.ts';
import { parsePlatform } from '../images/platform.ts';
import { readSmall } from '../lib/bytes.ts';
import { hasErrorCode, messageOf, Problem } from '../lib/problem.ts';
import { askedOutputs } from './build-outputs.ts';
import { buildTargets } from './build-targets.ts';
import { projectOf } from './project.ts';
import type { StandardInput } from './standard-input.ts';
import { UsageProblem } from './usage-problem.ts';

/** Flags of `slipway build` as commander gives them. */
export interface BuildOptions {
  file?: string;
  tag?: string[];
  buildArg?: string[];
  buildContext?: string[];
  label?: string[];
  target?: string[];
  platform?: string;
  cacheFrom?: string[];
  cacheTo?: string[];
  cache: boolean;
  noCacheFilter?: string[];
  pull?: boolean;
  push?: boolean;
  network: 'default' | 'none' | 'host';
  allow?: string[];
  secret?: string[];
  ssh?: string[];
  output?: string[];
  provenance?: 'min' | 'max';
  check?: boolean;
  progress: 'auto' | 'tty' | 'plain' | 'classic' | 'json' | 'quiet';
  explain?: boolean;
  project?: string;
  quiet?: boolean;
}

/** Standard input may be the Dockerfile (`-f -`); a Dockerfile of more than 4 MiB is a mistake. */
const DOCKERFILE_LIMIT = 4 << 20;

/**
 * What the flags ask of the server. Paths are made absolute and secrets are read here, because the server knows neither
 * this folder nor this environment.
 * @param ssh sockets of agents, by id
 * @param standardOutput a socket whose other end is standard output, where an output goes there
 * @throws Problem, UsageProblem
 */
export async function buildCallOf(
  options: BuildOptions,
  context: string,
  ssh: Record<string, string>,
  standardOutput?: string,
  input?: StandardInput,
): Promise<BuildCall> {
  const source = input?.context ?? parseContext(context);
  const folder = source.kind === 'folder' ? resolve(source.path) : undefined;
  const asked = askedOutputs(options.output ?? [], standardOutput);
  const call: BuildCall = {
    context: folder === undefined ? source : { kind: 'folder', path: folder },
    dockerfile: input?.dockerfile ?? (await dockerfileOf(options.file, folder)),
    targets: buildTargets(options.target ?? [], [...(options.tag ?? []), ...asked.names]),
    buildArgs: withSourceDate(pairs(options.buildArg ?? [], '--build-arg', (name) => process.env[name])),
    labels: pairs(options.label ?? [], '--label', () => ''),
    platform: options.platform === undefined ? undefined : parsePlatform(options.platform),
    contexts: Object.fromEntries((options.buildContext ?? []).map(namedContextOf)),
    cacheFrom: (options.cacheFrom ?? []).map(parseCacheImport).map(absoluteCache),
    cacheTo: (options.cacheTo ?? []).map(parseCacheExport).map(absoluteCache),
    noCache: !options.cache,
    noCacheFilter: (options.noCacheFilter ?? []).flatMap((list) => list.split(',')),
    pull: options.pull === true,
    push: options.push === true || asked.push,
    network: options.network,
    stepImages: options.progress === 'classic',
    allow: (options.allow ?? []).map(entitlementOf),
    secrets: await secretsOf(options.secret ?? []),
    ssh,
    outputs: asked.outputs,
    provenance: options.provenance,
    checkOnly: options.check === true,
    project: projectOf(options.project),
  };
  // last: a flag that is wrong is wrong wherever the files are
  if (folder !== undefined) await checkFolder(folder, options.file);
  return call;
}

/** What the server would complain of in words that don't help: here one sees what was meant. */
async function checkFolder(folder: string, file: string | undefined): Promise<void> {
  const found = await kindOf(folder);
  if (found === 'nothing')
    throw new Problem('not-found', `no such folder: ${folder}`, {
      hint: 'The argument of slipway build is the context: the folder whose files COPY takes.',
    });
  if (found === 'file')
    throw new Problem('invalid', `${folder} is a file, and the context has to be a folder`, {
      hint: 'A Dockerfile is named with -f; the argument is the folder whose files COPY takes: slipway build -f FILE FOLDER.',
    });
  if (file === undefined && (await kindOf(join(folder, 'Dockerfile'))) === 'nothing')
    await checkWithoutDockerfile(folder);
  if (file !== undefined && file !== '-' && (await kindOf(file)) === 'folder')
    throw new Problem('invalid', `-f ${file}: that is a folder, and a Dockerfile is wanted`, {
      hint:
        (await kindOf(join(file, 'Dockerfile'))) === 'file'
          ? `Did you mean -f ${join(file, 'Dockerfile')}?`
          : 'Name the Dockerfile itself.',
    });
}

async function checkWithoutDockerfile(folder: string): Promise<void> {
  const names = await readdir(folder);
  const likely = names.filter((name) => /dockerfile/i.test(name)).slice(0, 3);
  const first = likely[0];
  throw new Problem('not-found', `there is no Dockerfile in ${folder}`, {
    hint:
      first === undefined
        ? `It has ${names.length === 0 ? 'no files at all' : `${names.length} other files`}. Name the Dockerfile with -f FILE, or another folder as the argument.`
        : `There is ${likely.join(', ')}: name it with -f ${join(folder, first)}.`,
  });
}

async function kindOf(path: string): Promise<'nothing' | 'file' | 'folder'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return 'nothing';
    throw error;
  }
}

function namedContextOf(text: string): [string, NamedContext] {
  const [name, source] = parseNamedContext(text);
  return [name, 'path' in source ? { ...source, path: resolve(source.path) } : source];
}

function absoluteCache<C extends CacheImport | CacheExport>(cache: C): C {
  return cache.kind === 'local' ? { ...cache, path: resolve(cache.path), name: cache.path } : cache;
}

function entitlementOf(text: string): Entitlement {
  if (text === 'security.insecure' || text === 'network.host') return text;
  throw new UsageProblem(`--allow ${text}: unknown entitlement`, 'It takes security.insecure or network.host.');
}

async function secretsOf(flags: readonly string[]): Promise<Record<string, string>> {
  const values: [string, string][] = [];
  for (const text of flags) {
    const flag = parseSecret(text, process.env);
    const bytes = 'env' in flag ? Buffer.from(process.env[flag.env] ?? '') : await readSecret(flag.file, text);
    if (bytes.length > SECRET_LIMIT)
      throw new Problem('invalid', `--secret ${text}: longer than ${SECRET_LIMIT >> 10} KiB`);
    values.push([flag.id, bytes.toString('base64')]);
  }
  return Object.fromEntries(values);
}

async function readSecret(file: string, text: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'EISDIR', 'ENOTDIR', 'EACCES')) throw error;
    throw new Problem('not-found', `--secret ${text}: ${messageOf(error)}`, {
      hint: 'src is a path from here; a value of the environment is named with env=NAME.',
    });
  }
}

/** As buildx: the date of a reproducible build comes from the environment too (reproducible-builds.org). */
function withSourceDate(buildArgs: Record<string, string>): Record<string, string> {
  const date = process.env['SOURCE_DATE_EPOCH'];
  return date === undefined || Object.hasOwn(buildArgs, 'SOURCE_DATE_EPOCH')
    ? buildArgs
    : { ...buildArgs, SOURCE_DATE_EPOCH: date };
}

/** A file outside of the context is read here and sent as text. */
async function dockerfileOf(file: string | undefined, folder: string | undefined): Promise<BuildCall['dockerfile']> {
  if (file === undefined) return { path: 'Dockerfile' };
  if (file === '-')
    return { text: (await readSmall(process.stdin, DOCKERFILE_LIMIT)).toString('utf8'), name: 'Dockerfile' };
  if (folder === undefined) return { path: file };
  const path = relative(folder, resolve(file));
  if (!path.startsWith('..')) return { path };
  const ignore = `${file}.dockerignore`;
  const rules = existsSync(ignore) ? await readOutside(ignore) : undefined;
  return { text: await readOutside(file), name: file, ignore: rules };
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
