import type { Descriptor } from '../../images/descriptor.ts';
import type { Digest } from '../../images/digest.ts';
import { Semaphore } from '../../lib/semaphore.ts';

/** Blobs sent to one registry at once. */
const SENDING = 4;
/** Questions to one registry at once, mounts among them: no bytes move. */
const ASKING = 16;

export type BlobState = 'Pushed' | 'Layer already exists' | 'Mounted';

/** What became of a blob at its target. */
export interface SentBlob {
  state: BlobState;
  /** The repository that it was mounted from. */
  from?: string | undefined;
}

/** Blobs are counted once, however many manifests share them. */
export interface BlobTally {
  /** That the target had. */
  present: number;
  /** That the target took over from another of its repositories. */
  mounted: number;
  sent: number;
  bytesSent: number;
}

/** One piece of work for one repository, however many images it is of: its room, and the blobs that it has dealt with. */
export class Sending {
  readonly asking = new Semaphore(ASKING);
  readonly sending = new Semaphore(SENDING);
  readonly #blobs = new Map<Digest, Promise<SentBlob>>();
  readonly #published = new Map<Digest, Promise<unknown>>();

  /**
   * Does the work for a blob once; whoever comes later waits for that.
   * @returns undefined when it was dealt with before
   */
  async once(blob: Descriptor, work: () => Promise<SentBlob>): Promise<SentBlob | undefined> {
    const before = this.#blobs.get(blob.digest);
    if (before !== undefined) {
      await before;
      return undefined;
    }
    const now = work();
    this.#blobs.set(blob.digest, now);
    return await now;
  }

  /**
   * Publishes a manifest under its digest once. distribution 2.8 rewrites in place what it has of a manifest: an index that
   * arrives while one of its children is put again is refused, as if the child had another digest.
   */
  async publishOnce(manifest: Digest, put: () => Promise<unknown>): Promise<void> {
    const published = this.#published.get(manifest) ?? put();
    this.#published.set(manifest, published);
    await published;
  }
}

export function noBlobs(): BlobTally {
  return { present: 0, mounted: 0, sent: 0, bytesSent: 0 };
}

export function countBlob(tally: BlobTally, { size }: Descriptor, state: BlobState): void {
  if (state === 'Mounted') tally.mounted++;
  else if (state === 'Layer already exists') tally.present++;
  else {
    tally.sent++;
    tally.bytesSent += size;
  }
}
