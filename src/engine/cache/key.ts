import { createHash } from 'node:crypto';
import type { CopyOperation, RunOperation, WorkdirOperation } from '../../dockerfile/program.ts';
import type { Digest } from '../../images/digest.ts';
import { formatPlatform, type Platform } from '../../images/platform.ts';
import type { TreeEntry } from '../trees/entry.ts';

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

/** A mount of a RUN, as keys and explanations know it. */
export interface MountFacts {
  /** `--mount=type=bind,target=/src`. */
  name: string;
  /** Everything that decides what a command sees there; never a secret's value. */
  facts: unknown[];
  /** Files of a context that it shows. */
  files: readonly CopiedFile[];
  /** What a command makes with it must not leave the project. */
  isPrivate: boolean;
}

export function runKey(
  chain: string,
  operation: RunOperation,
  mounts: readonly MountFacts[],
  extraHosts: readonly string[] = [],
): string {
  const { args, env, cwd, user, network, security } = operation;
  const shown = mounts.map(({ facts }) => facts);
  const hosts = extraHosts.length === 0 ? [] : [[...extraHosts].sort()];
  return digestOfFacts('run', chain, args, env, cwd, user, network, shown, security, ...hosts);
}

export function workdirKey(chain: string, operation: WorkdirOperation): string {
  return digestOfFacts('workdir', chain, operation.path, operation.user);
}

/** The same tree in a build with a date of its own (SOURCE_DATE_EPOCH): what follows has other times in its layers. */
export function datedChain(chain: string, sourceDate: number): string {
  return digestOfFacts('date', chain, sourceDate);
}

/** A selected file as it enters a copy's key; no times, no owners (a context's are always 0:0). */
export interface CopiedFile {
  /** Where it lands relative to the destination: begins with the source's own name unless a folder's content is meant. */
  path: string;
  /** As the person knows it: the path below the context, for explanations. */
  name: string;
  facts: (string | number)[];
}

/**
 * What an entry is, times apart, as it enters a key; `shownFile` of inputs.ts reads it by position.
 * @param digest of a file's bytes; empty for everything else
 */
export function entryFacts(entry: Omit<TreeEntry, 'path' | 'mtimeNs'>, digest: string): (string | number)[] {
  const { type, mode, uid, gid, size, link, device, xattrs } = entry;
  const attributes = Object.entries(xattrs ?? {}).map(([name, value]) => `${name}=${value.toString('base64')}`);
  const node = device === undefined ? '' : `${device.major}:${device.minor}`;
  return [type, mode, uid, gid, size, digest, link ?? '', node, ...attributes.sort()];
}

/** What of a COPY decides its result beside the files. */
export function copyFacts(operation: CopyOperation): unknown[] {
  const { kind, destination, intoFolder, chown, chmod, link, parents, unpack } = operation;
  return [kind, destination, intoFolder, chown ?? '', chmod ?? '', link, parents, unpack ?? ''];
}

/** By the content of what is copied, wherever that came from. */
export function copyKey(chain: string, operation: CopyOperation, files: Iterable<CopiedFile>): string {
  const hash = createHash('sha256');
  // what `digestOfFacts` makes of a list of them all, which may be long
  let text = `${JSON.stringify([FORMAT, 'copy', chain, copyFacts(operation)]).slice(0, -1)},[`;
  let separator = '';
  for (const { path, facts } of files) {
    text += `${separator}${JSON.stringify([path, ...facts])}`;
    separator = ',';
    if (text.length < HASHED_AT_ONCE) continue;
    hash.update(text);
    text = '';
  }
  return hash.update(`${text}]]`).digest('hex');
}

const HASHED_AT_ONCE = 1 << 15;

/** By the whole tree that COPY --from reads: found without looking at a single file. */
export function copyFromKey(chain: string, operation: CopyOperation, sourceChain: string): string {
  const { sources, exclude } = operation;
  return digestOfFacts('copy-from', chain, copyFacts(operation), sources, exclude, sourceChain);
}

/** A finished image's: remembers when an image of this content was first made, so that an unchanged build has its digest. */
export function imageKey(chain: string, image: unknown): string {
  return digestOfFacts('image', chain, image);
}
