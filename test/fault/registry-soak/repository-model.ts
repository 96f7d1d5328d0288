import type { Digest } from '../../../src/images/digest.ts';
import type { MadeImage } from './made-images.ts';

/**
 * What one client has been promised about its own repository. Of a change whose answer was cut off either may be true, until
 * somebody looks.
 */
export class RepositoryModel {
  readonly name: string;
  /** What each tag may mean; `null` stands for nothing. Absent: it was never pushed. */
  readonly #tags = new Map<string, Set<Digest | null>>();
  readonly #images = new Map<Digest, MadeImage>();
  /** Deleted by this client, the latest last. */
  readonly deleted: Digest[] = [];

  constructor(name: string) {
    this.name = name;
  }

  tags(): string[] {
    return [...this.#tags.keys()];
  }

  image(digest: Digest): MadeImage | undefined {
    return this.#images.get(digest);
  }

  /** Tags that surely mean something. */
  present(): string[] {
    return [...this.#tags].filter(([, meanings]) => !meanings.has(null)).map(([tag]) => tag);
  }

  meanings(tag: string): ReadonlySet<Digest | null> {
    return this.#tags.get(tag) ?? new Set([null]);
  }

  about(image: MadeImage): void {
    this.#images.set(image.digest, image);
    for (const child of image.children) this.#images.set(child.digest, child);
  }

  /** @param sure false: the answer was cut off */
  moved(tag: string, digest: Digest | null, sure: boolean): void {
    this.#tags.set(tag, new Set(sure ? [digest] : [...this.meanings(tag), digest]));
  }

  /** Every tag on a manifest goes with it. */
  removed(digest: Digest, sure: boolean): void {
    for (const [tag, meanings] of this.#tags)
      if (meanings.has(digest)) {
        const left = [...meanings].filter((meaning) => !sure || meaning !== digest);
        this.#tags.set(tag, new Set([...left, null]));
      }
    this.deleted.push(digest);
  }

  /** Somebody has looked. */
  seen(tag: string, digest: Digest | null): void {
    if (!this.meanings(tag).has(digest))
      throw new Error(
        `${this.name}:${tag} means ${digest ?? 'nothing'}, but was acknowledged as ${[...this.meanings(tag)].join(' or ')}`,
      );
    this.moved(tag, digest, true);
  }
}
