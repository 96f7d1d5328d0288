import { createHash } from 'node:crypto';
import type { CopyOperation, RunOperation, WorkdirOperation } from '../dockerfile/program.ts';
import type { Digest } from '../images/digest.ts';
import { formatPlatform, type Platform } from '../images/platform.ts';
import type { CacheInput } from './cache/cache.ts';

/**
 * What makes two operations equal: pure functions, facts in, key out.
 *
 * A key holds the chain of what lies below (content digests, so times and encoders don't count), the instruction as the
 * compiler normalised it, and the inputs it used. Metadata (LABEL, CMD ...) is in no key: it changes no file.
 */

/** Raised when the meaning of a key or of what a record holds changes: older records are then never found. */
const FORMAT = 1;

function digestOfFacts(...facts: unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, ...facts]))
    .digest('hex');
}

/** The identity of a stack of layers: begins with the base's diffIDs, goes on with content digests. */
export function chainOf(parent: string, step: Digest): string {
  return digestOfFacts('chain', parent, step);
}

export function baseChain(diffIDs: readonly Digest[], platform: Platform): string {
  return digestOfFacts('base', formatPlatform(platform), diffIDs);
}

export function runKey(chain: string, operation: RunOperation): string {
  const { args, env, cwd, user, network, mounts, security } = operation;
  return digestOfFacts('run', chain, args, env, cwd, user, network, mounts, security);
}

export function workdirKey(chain: string, operation: WorkdirOperation): string {
  return digestOfFacts('workdir', chain, operation.path, operation.user);
}

/** A selected file as it enters a copy's key; no times, no owners (a context's are always 0:0). */
export interface CopiedFile {
  /** Where it lands relative to the destination: begins with the source's own name unless a folder's content is meant. */
  path: string;
  /** As the person knows it: the path below the context, for explanations. */
  name: string;
  facts: (string | number)[];
}

function copyFacts(operation: CopyOperation): unknown[] {
  const { kind, destination, intoFolder, chown, chmod, link, parents, unpack } = operation;
  return [kind, destination, intoFolder, chown ?? '', chmod ?? '', link, parents, unpack ?? ''];
}

/** By the content of what is copied, wherever that came from. */
export function copyKey(chain: string, operation: CopyOperation, files: readonly CopiedFile[]): string {
  return digestOfFacts(
    'copy',
    chain,
    copyFacts(operation),
    files.map((file) => [file.path, ...file.facts]),
  );
}

/** By the whole tree that COPY --from reads: found without looking at a single file. */
export function copyFromKey(chain: string, operation: CopyOperation, sourceChain: string): string {
  const { sources, exclude } = operation;
  return digestOfFacts('copy-from', chain, copyFacts(operation), sources, exclude, sourceChain);
}

/** A finished image's: remembers when an image of this content was first made, so that an unchanged build has its digest. */
export function imageKey(chain: string, image: unknown): string {
  return digestOfFacts('image', chain, image);
}

/** Values of arguments may be secret, so a record keeps only their digest. */
export function valueDigest(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

/** What a RUN depends on, by name, for the explanation of a miss. */
export function runInputs(operation: RunOperation, chain: string): CacheInput[] {
  const inputs: CacheInput[] = [
    { kind: 'parent', name: 'parent', value: chain },
    { kind: 'instruction', name: operation.text, value: valueDigest(JSON.stringify(operation.args)) },
    { kind: 'option', name: 'WORKDIR', value: valueDigest(operation.cwd) },
    { kind: 'option', name: 'USER', value: valueDigest(operation.user) },
    { kind: 'option', name: '--network', value: operation.network },
    { kind: 'option', name: '--mount', value: valueDigest(JSON.stringify(operation.mounts)) },
  ];
  for (const pair of operation.env) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const kind = Object.hasOwn(operation.args_used, name) ? 'arg' : 'env';
    inputs.push({ kind, name, value: valueDigest(pair.slice(name.length + 1)) });
  }
  return inputs;
}

/** So many files are kept by name in a record; beyond that, one entry stands for each folder. */
const NAMED_FILES = 5000;

export function copyInputs(operation: CopyOperation, chain: string, files: readonly CopiedFile[]): CacheInput[] {
  return [
    { kind: 'parent', name: 'parent', value: chain },
    { kind: 'instruction', name: operation.text, value: valueDigest(JSON.stringify(copyFacts(operation))) },
    ...fileInputs(files),
  ];
}

function fileInputs(files: readonly CopiedFile[]): CacheInput[] {
  const byName = new Map<string, unknown[]>();
  for (const { name, facts } of files) {
    const key = files.length <= NAMED_FILES ? name : `${name.split('/').slice(0, 2).join('/')}/...`;
    const known = byName.get(key);
    if (known === undefined) byName.set(key, [facts]);
    else known.push(facts);
  }
  return [...byName].map(([name, facts]) => ({ kind: 'file', name, value: valueDigest(JSON.stringify(facts)) }));
}
