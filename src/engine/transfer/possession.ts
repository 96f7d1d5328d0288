import type { Digest } from '../../images/digest.ts';
import type { BlobRows } from '../../stores/content/content.ts';

/** Remembered at most; a row is asked for again after that. */
const REMEMBERED = 10_000;

/**
 * Which manifests and configs a project has had the bytes of. The content store is one for all projects, so that a digest
 * alone, written behind a foreign name or answered by a foreign server, must open nothing of another project
 * (decision 0012).
 */
export class Possession {
  readonly #rows: Pick<BlobRows, 'notePossession' | 'possesses'>;
  readonly #known = new Set<string>();

  constructor(rows: Pick<BlobRows, 'notePossession' | 'possesses'>) {
    this.#rows = rows;
  }

  async has(project: string, digest: Digest): Promise<boolean> {
    if (this.#known.has(keyOf(project, digest))) return true;
    const found = await this.#rows.possesses(project, digest);
    if (found) this.#remember(project, digest);
    return found;
  }

  async note(project: string, digests: readonly Digest[]): Promise<void> {
    const news = digests.filter((digest) => !this.#known.has(keyOf(project, digest)));
    if (news.length === 0) return;
    await this.#rows.notePossession(project, news);
    for (const digest of news) this.#remember(project, digest);
  }

  #remember(project: string, digest: Digest): void {
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.add(keyOf(project, digest));
  }
}

function keyOf(project: string, digest: Digest): string {
  return `${digest} ${project}`;
}
