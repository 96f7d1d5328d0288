import type { Digest } from '../../images/digest.ts';

/** A file's state as `stat` tells it. */
export interface FileState {
  size: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  ino: bigint;
  mode: number;
}

/** What a file held in a state, and when that was seen. */
export interface SeenContent {
  digest: Digest;
  /** Milliseconds since 1970. */
  seenMs: number;
}

/** Bytes of a record: size, mtime, ctime, inode, date of the look, mode, and the sha256. */
const RECORD = 5 * 8 + 4 + 32;
const DIGEST_AT = 44;
const MAGIC = Buffer.from('slipway states 1\n');
const SHA256 = 'sha256:';

/**
 * States of many files, by path. They lie in one buffer, because as objects each would take half a kilobyte of the heap;
 * and they are written as they lie.
 */
export class FileStates {
  readonly #slots = new Map<string, number>();
  #records = Buffer.alloc(0);

  get count(): number {
    return this.#slots.size;
  }

  clear(): void {
    this.#slots.clear();
    this.#records = Buffer.alloc(0);
  }

  /** What the file held when it was in this very state. */
  find(path: string, { size, mtimeNs, ctimeNs, ino, mode }: FileState): SeenContent | undefined {
    const slot = this.#slots.get(path);
    if (slot === undefined) return undefined;
    const at = slot * RECORD;
    const bytes = this.#records;
    if (bytes.readDoubleLE(at) !== size || bytes.readBigInt64LE(at + 8) !== kept(mtimeNs)) return undefined;
    if (bytes.readBigInt64LE(at + 16) !== kept(ctimeNs) || bytes.readBigInt64LE(at + 24) !== kept(ino))
      return undefined;
    if (bytes.readUInt32LE(at + 40) !== mode) return undefined;
    const digest: Digest = `${SHA256}${bytes.toString('hex', at + DIGEST_AT, at + RECORD)}`;
    return { digest, seenMs: bytes.readDoubleLE(at + 32) };
  }

  set(path: string, { size, mtimeNs, ctimeNs, ino, mode }: FileState, { digest, seenMs }: SeenContent): void {
    if (!digest.startsWith(SHA256)) return;
    const slot = this.#slots.get(path) ?? this.#slots.size;
    this.#slots.set(path, slot);
    const at = slot * RECORD;
    if (at === this.#records.length) this.#grow();
    const bytes = this.#records;
    bytes.writeDoubleLE(size, at);
    bytes.writeBigInt64LE(kept(mtimeNs), at + 8);
    bytes.writeBigInt64LE(kept(ctimeNs), at + 16);
    bytes.writeBigInt64LE(kept(ino), at + 24);
    bytes.writeDoubleLE(seenMs, at + 32);
    bytes.writeUInt32LE(mode, at + 40);
    bytes.write(digest.slice(SHA256.length), at + DIGEST_AT, 32, 'hex');
  }

  #grow(): void {
    const grown = Buffer.alloc(Math.max(64 * RECORD, 2 * this.#records.length));
    this.#records.copy(grown);
    this.#records = grown;
  }

  /** For a file: the records, then the paths in the same order. */
  toBytes(): Buffer {
    const count = Buffer.alloc(4);
    count.writeUInt32LE(this.count);
    const paths = JSON.stringify([...this.#slots.keys()]);
    return Buffer.concat([MAGIC, count, this.#records.subarray(0, this.count * RECORD), Buffer.from(paths)]);
  }

  /** None at all from bytes that `toBytes` did not write, or that were cut. */
  static from(bytes: Buffer): FileStates {
    const states = new FileStates();
    const start = MAGIC.length + 4;
    if (bytes.length < start || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return states;
    const end = start + bytes.readUInt32LE(MAGIC.length) * RECORD;
    const paths = pathsOf(bytes.subarray(end));
    if (end > bytes.length || end !== start + paths.length * RECORD) return states;
    states.#records = Buffer.from(bytes.subarray(start, end));
    for (const [slot, path] of paths.entries()) states.#slots.set(path, slot);
    return states;
  }
}

/** Times may lie beyond the year 2262: 64 bits tell states from each other all the same. */
function kept(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

function pathsOf(bytes: Buffer): string[] {
  try {
    const paths: unknown = JSON.parse(bytes.toString('utf8'));
    return Array.isArray(paths) ? (paths as string[]) : [];
  } catch {
    return [];
  }
}
