import { createHash, type Hash } from 'node:crypto';
import type { CopyOperation, RunOperation, WorkdirOperation } from '../../dockerfile/program.ts';
import { joinPath, parentOf } from '../trees/entry.ts';
import type { CacheInput } from './cache.ts';
import { type CopiedFile, copyFacts, type MountFacts } from './key.ts';

/**
 * What an operation depends on, by name, for the explanation of a miss. Only a miss asks for it: a hit is its key alone.
 *
 * What a person may read of a value: those of ARG and ENV as they are when they are short, unless their name says that they
 * are secret (the words of BuildKit's check SecretsUsedInArgOrEnv, anywhere in the name) or they look like a URL with a
 * password. A secret's digest is kept to compare with, shown to nobody, and leaves the project with no export.
 */

/** What an operation stands on. */
export interface Below {
  chain: string;
  /** Identity of the base's tree. */
  base: string;
  /** The base as a person knows it, e.g. `python:3.11@sha256:0123456789ab`. */
  baseName?: string | undefined;
  /** The last operation below that made a layer. */
  below?: string | undefined;
}

/** Longest value that is shown; what is longer is known by its digest. */
const SHOWN_VALUE = 64;
/** So many files are kept by name in a record; beyond that, one entry stands for each folder. */
const NAMED_FILES = 5000;
const SECRET_WORD = /apikey|auth|credential|key|passphrase|password|passwd|pword|secret|token/i;
const PASSWORD_IN_URL = /:\/\/[^/@\s]*:[^/@\s]*@/;

/** Whether the name of an ARG or ENV says that nobody should read its value. */
export function looksSecret(name: string): boolean {
  return SECRET_WORD.test(name) && !/public/i.test(name);
}

export function runInputs(operation: RunOperation, below: Below, mounts: readonly MountFacts[]): CacheInput[] {
  const { args, cwd, user, network, security } = operation;
  const inputs: CacheInput[] = [
    ...belowInputs(below),
    { kind: 'instruction', name: operation.text, value: valueDigest(JSON.stringify(args)) },
    shownInput('option', 'WORKDIR', cwd),
    shownInput('option', 'USER', user),
    shownInput('option', '--network', network),
    shownInput('option', '--security', security),
    ...fileInputs(mounts.flatMap(({ files }) => files)),
  ];
  for (const { name, facts, isPrivate } of mounts) {
    inputs.push({ kind: 'mount', name, value: valueDigest(JSON.stringify(facts)) });
    if (isPrivate) inputs.push({ kind: 'private', name, value: '' });
  }
  for (const pair of operation.env) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const kind = Object.hasOwn(operation.argsUsed, name) ? 'arg' : 'env';
    inputs.push(shownInput(kind, name, pair.slice(name.length + 1)));
  }
  return inputs;
}

export function workdirInputs(operation: WorkdirOperation, below: Below): CacheInput[] {
  return [
    ...belowInputs(below),
    { kind: 'instruction', name: operation.text, value: valueDigest(operation.path) },
    shownInput('option', 'USER', operation.user),
  ];
}

export function copyInputs(operation: CopyOperation, below: Below, files: Iterable<CopiedFile>): CacheInput[] {
  return [
    ...belowInputs(below),
    { kind: 'instruction', name: operation.text, value: valueDigest(JSON.stringify(copyFacts(operation))) },
    ...fileInputs(files),
  ];
}

export function copyFromInputs(operation: CopyOperation, below: Below, sourceChain: string): CacheInput[] {
  return [
    ...belowInputs(below),
    { kind: 'instruction', name: operation.text, value: valueDigest(operation.text) },
    { kind: 'source', name: operation.text, value: sourceChain },
  ];
}

export function valueDigest(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

function belowInputs({ chain, base, baseName, below }: Below): CacheInput[] {
  return [
    { kind: 'parent', name: 'parent', value: chain, ...(below === undefined ? {} : { shown: below }) },
    { kind: 'base', name: 'base', value: base, ...(baseName === undefined ? {} : { shown: baseName }) },
  ];
}

function shownInput(kind: string, name: string, value: string): CacheInput {
  const input: CacheInput = { kind, name, value: valueDigest(value) };
  if (looksSecret(name) || PASSWORD_IN_URL.test(value)) return input;
  return { ...input, shown: value.length <= SHOWN_VALUE ? value : `sha256:${input.value.slice(0, 8)}` };
}

function fileInputs(files: Iterable<CopiedFile>): CacheInput[] {
  const byName = new Map<string, CopiedFile['facts'][]>();
  for (const { name, facts } of files) {
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [facts]);
    else known.push(facts);
    if (byName.size > NAMED_FILES) return folderInputs(files);
  }
  return [...byName].map(([name, facts]) => {
    const shown = facts.length === 1 ? shownFile(facts[0] ?? []) : undefined;
    return { kind: 'file', name, value: valueDigest(JSON.stringify(facts)), ...(shown === undefined ? {} : { shown }) };
  });
}

/** Of very many files: one input for each folder, or for each of those above where these are too many, too. */
function folderInputs(files: Iterable<CopiedFile>): CacheInput[] {
  let folders = new Set<string>();
  for (const { name } of files) folders.add(parentOf(name));
  let deepest = 0;
  for (const folder of folders) deepest = Math.max(deepest, folder.split('/').length);
  let depth = deepest;
  while (folders.size > NAMED_FILES && depth > 0) {
    depth--;
    folders = new Set([...folders].map((folder) => upTo(depth, folder)));
  }
  const byFolder = new Map<string, Hash>();
  for (const { name, facts } of files) {
    const folder = depth === deepest ? parentOf(name) : upTo(depth, parentOf(name));
    const known = byFolder.get(folder);
    const hash = known ?? createHash('sha256');
    if (known === undefined) byFolder.set(folder, hash);
    hash.update(JSON.stringify([name, facts]));
  }
  return [...byFolder].map(([folder, hash]) => ({
    kind: 'file',
    name: joinPath(folder, '...'),
    value: hash.digest('hex'),
  }));
}

function upTo(depth: number, folder: string): string {
  return folder.split('/').slice(0, depth).join('/');
}

/** `0644 120 B 3f2a9c1b` of a file, `-> target` of a link. */
function shownFile(facts: CopiedFile['facts']): string | undefined {
  const [, type, mode, , , size, digest, link] = facts;
  if (type === 'symlink') return `-> ${link}`;
  if (type !== 'file' || typeof mode !== 'number' || typeof digest !== 'string') return undefined;
  return `${mode.toString(8).padStart(4, '0')} ${size} B ${digest.slice('sha256:'.length, 'sha256:'.length + 8)}`;
}
