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
  readonly #lines: [path: string, line: string][] = [];

  add(change: Change): void {
    if (change.kind !== 'entry') {
      this.#lines.push([change.path, JSON.stringify([change.kind, change.path])]);
      return;
    }
    const { entry, digest } = change;
    this.#lines.push([
      entry.path,
      JSON.stringify([
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
      ]),
    ]);
  }

  get empty(): boolean {
    return this.#lines.length === 0;
  }

  finish(): Digest {
    const hash = createHash('sha256');
    this.#lines.sort((a, b) => comparePaths(a[0], b[0]) || (a[1] < b[1] ? -1 : 1));
    for (const [, line] of this.#lines) hash.update(line).update('\n');
    return `sha256:${hash.digest('hex')}`;
  }
}
