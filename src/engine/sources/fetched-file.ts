import { closeSync, fstatSync, openSync } from 'node:fs';
import type { OpenFile, SourceEntry, SourceTree } from '../context/source-tree.ts';

/** One fetched file as a tree that COPY's machinery reads: it is root's, 0600, and as old as its server says. */
export class FetchedFile implements SourceTree {
  readonly entry: SourceEntry;
  readonly #file: string | undefined;

  /** @param file where its bytes are; absent while only its digest is known */
  constructor(name: string, size: number, modifiedMs: number, file: string | undefined) {
    const mtimeNs = BigInt(modifiedMs) * 1_000_000n;
    this.entry = {
      path: name,
      type: 'file',
      mode: 0o600,
      uid: 0,
      gid: 0,
      size,
      mtimeNs,
      ctimeNs: mtimeNs,
      dev: 0n,
      ino: 0n,
      links: 1,
    };
    this.#file = file;
  }

  find(path: string): SourceEntry | undefined {
    return path === this.entry.path ? this.entry : undefined;
  }

  names(path: string): string[] {
    return path === '' ? [this.entry.path] : [];
  }

  *walk(): Iterable<SourceEntry> {
    yield this.entry;
  }

  open(path: string): OpenFile {
    if (this.#file === undefined || path !== this.entry.path) throw new Error(`${path} was not fetched`);
    const fd = openSync(this.#file, 'r');
    const { size } = fstatSync(fd);
    if (size !== this.entry.size) {
      closeSync(fd);
      throw new Error(`${path} has ${size} instead of ${this.entry.size} bytes`);
    }
    return { fd, size, mtimeNs: this.entry.mtimeNs, ctimeNs: this.entry.ctimeNs, ino: 0n };
  }

  close(): void {}
}
