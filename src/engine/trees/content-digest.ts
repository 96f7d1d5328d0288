import { createHash } from 'node:crypto';
import type { Digest } from '../../images/digest.ts';
import { comparePaths, type TreeEntry } from './entry.ts';

/** A change that a layer makes, as its digest sees it: `whiteout` removes, `opaque` empties a folder first. */
export type Change =
  | { kind: 'entry'; entry: TreeEntry; digest?: Digest | undefined }
  | { kind: 'whiteout'; path: string }
  | { kind: 'opaque'; path: string };

/**
 * What a layer changes, times left out: two runs of one command that wrote the same files have the same digest, so
 * everything that follows stays cached (early cut-off). Order doesn't matter, because it is sorted by path here.
 */
export class ContentDigest {
  /** As they came: what is added has to stay as it is. Their lines are several times as long, and only made to be hashed. */
  readonly #changes: Change[] = [];

  add(change: Change): void {
    this.#changes.push(change);
  }

  finish(): Digest {
    const hash = createHash('sha256');
    const changes = this.#changes.sort(
      (a, b) => comparePaths(pathOf(a), pathOf(b)) || (lineOf(a) < lineOf(b) ? -1 : 1),
    );
    let lines = '';
    for (const change of changes) {
      lines += `${lineOf(change)}\n`;
      if (lines.length < HASHED_AT_ONCE) continue;
      hash.update(lines);
      lines = '';
    }
    return `sha256:${hash.update(lines).digest('hex')}`;
  }
}

const HASHED_AT_ONCE = 1 << 15;

function pathOf(change: Change): string {
  return change.kind === 'entry' ? change.entry.path : change.path;
}

function lineOf(change: Change): string {
  if (change.kind !== 'entry') return JSON.stringify([change.kind, change.path]);
  const { entry, digest } = change;
  return JSON.stringify([
    entry.type,
    entry.path,
    entry.mode,
    entry.uid,
    entry.gid,
    entry.type === 'file' ? entry.size : 0,
    entry.link ?? '',
    entry.device === undefined ? '' : `${entry.device.major}:${entry.device.minor}`,
    Object.entries(entry.xattrs ?? {})
      .map(([name, value]) => [name, value.toString('base64')])
      .sort(),
    digest ?? '',
  ]);
}
