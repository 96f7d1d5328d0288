import { setTimeout } from 'node:timers/promises';
import type { Digest } from '../../../src/images/digest.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { Choices } from './choices.ts';
import { pullImage } from './image-pull.ts';
import { pushImage, require } from './image-push.ts';
import { type MadeBlob, type MadeImage, madeBlob, madeImage, madeIndex } from './made-images.ts';
import { RepositoryModel } from './repository-model.ts';
import { CutOff, type SoakServer } from './soak-server.ts';

const TAGS = ['latest', 'v1', 'v2', 'v3', 'edge', 'nightly'];
/** Layers that everybody may have: of each there are a few images at a time, or none, and then it comes back. */
const SHARED_BLOBS = 300;
/** Everybody moves its tags, and nobody deletes. */
export const SHARED = 'demo/shared/app';
const THINK_MS = 60;

type Act = (client: SoakClient) => Promise<void>;

/** One of many who use a registry at once: does by chance what people and their CI do, and checks each promise. */
export class SoakClient {
  readonly model: RepositoryModel;
  readonly done: Record<string, number> = {};
  readonly #server: SoakServer;
  readonly #choices: Choices;
  readonly #number: number;
  /** Repositories of all clients: blobs are mounted from there, and images pulled. */
  readonly #all: readonly string[];
  /** Digests that this client has set on shared tags, as acknowledged or about to be. */
  readonly shared = new Set<Digest>();
  #made = 0;

  constructor(server: SoakServer, seed: number, number: number, all: readonly string[]) {
    this.#server = server;
    this.#number = number;
    this.#choices = new Choices(seed + number * 7919);
    this.#all = all;
    this.model = new RepositoryModel(all[number] ?? '');
  }

  async work(over: () => boolean): Promise<void> {
    const acts = Object.entries(ACTS).flatMap(([name, { act, weight }]) =>
      Array.from({ length: weight }, () => ({ name, act })),
    );
    while (!over()) {
      const { name, act } = this.#choices.of(acts);
      await this.#withPatience(() => act(this));
      this.done[name] = (this.done[name] ?? 0) + 1;
      await setTimeout(this.#choices.wait(THINK_MS));
    }
  }

  /** Looks at all of its tags. */
  async check(seen: Set<string>): Promise<number> {
    for (const tag of this.model.tags())
      await this.#withPatience(async () =>
        this.model.seen(tag, (await pullImage(this.#server, this.model.name, tag, seen)) ?? null),
      );
    return this.model.tags().length;
  }

  /** What was cut off is done again, as every client does. */
  async #withPatience(act: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof CutOff)) throw error;
        this.done['cut off'] = (this.done['cut off'] ?? 0) + 1;
      }
    }
  }

  #newBlob(): MadeBlob {
    return madeBlob(1000 + this.#number * 1_000_000 + this.#made++);
  }

  #layers(): MadeBlob[] {
    return Array.from({ length: 1 + this.#choices.below(3) }, () =>
      this.#choices.once(2) ? this.#newBlob() : madeBlob(this.#choices.below(SHARED_BLOBS)),
    );
  }

  async pushTag(image = madeImage(this.#newBlob(), this.#layers())): Promise<void> {
    const tag = this.#choices.of(TAGS);
    this.model.about(image);
    try {
      await this.#push(image, tag);
      this.model.moved(tag, image.digest, true);
    } catch (error) {
      if (error instanceof CutOff) this.model.moved(tag, image.digest, false);
      throw error;
    }
  }

  async #push(image: MadeImage, tag?: string): Promise<void> {
    const target = { repository: this.model.name, from: this.#all, ...(tag === undefined ? {} : { tag }) };
    await pushImage(this.#server, this.#choices, target, image);
  }

  async pushIndex(): Promise<void> {
    const children = Array.from({ length: 2 + this.#choices.below(2) }, () =>
      madeImage(this.#newBlob(), this.#layers()),
    );
    const index = madeIndex(children);
    await this.pushTag(index);
    if (this.#choices.once(2)) await this.#push(madeImage(this.#newBlob(), [], index));
  }

  /** The same image under another tag, as it was pushed before. */
  async pushAgain(): Promise<void> {
    const image = this.#someImage();
    if (image !== undefined) await this.pushTag(image);
  }

  async pushShared(): Promise<void> {
    const image = madeImage(this.#newBlob(), this.#layers());
    this.shared.add(image.digest);
    const tag = this.#choices.of(TAGS);
    await pushImage(this.#server, this.#choices, { repository: SHARED, tag, from: this.#all }, image);
  }

  async deleteTag(): Promise<void> {
    const tag = this.#someTag();
    if (tag === undefined) return;
    await this.#unsure(
      async () => {
        const path = `/v2/${this.model.name}/manifests/${tag}`;
        require(await this.#server.send('DELETE', path), `deletion of ${tag}`, 202);
      },
      (sure) => this.model.moved(tag, null, sure),
    );
  }

  async deleteManifest(): Promise<void> {
    const image = this.#someImage();
    if (image === undefined) return;
    await this.#unsure(
      async () => {
        const path = `/v2/${this.model.name}/manifests/${image.digest}`;
        require(await this.#server.send('DELETE', path), `deletion of ${image.digest}`, 202);
      },
      (sure) => this.model.removed(image.digest, sure),
    );
  }

  async undelete(): Promise<void> {
    const digest = this.#choices.once(3) ? this.model.deleted.at(-2) : this.model.deleted.at(-1);
    if (digest === undefined) return;
    try {
      for (const tag of await this.#server.undelete(this.model.name, digest)) this.model.moved(tag, digest, true);
    } catch (error) {
      if (error instanceof CutOff) {
        for (const tag of this.model.tags())
          if (this.model.meanings(tag).has(null)) this.model.moved(tag, digest, false);
        await this.check(new Set());
      } else if (!(error instanceof Problem) || error.code !== 'not-found') throw error;
    }
  }

  /** Of an image that is there, which is refused, or that was deleted. */
  async deleteBlob(): Promise<void> {
    const image = this.#choices.once(2) ? this.#someImage() : this.model.image(this.model.deleted.at(-1) as Digest);
    const blob = image?.blobs[0];
    if (blob === undefined) return;
    const path = `/v2/${this.model.name}/blobs/${blob.digest}`;
    require(await this.#server.send('DELETE', path), 'deletion of a blob', 202, 404, 405);
  }

  /** Its own, which it knows, or a neighbour's, of which it only knows that it must be whole. */
  async pull(): Promise<void> {
    const tag = this.#choices.of(TAGS);
    if (this.#choices.once(2)) {
      const own = this.model.tags();
      if (own.length === 0) return;
      const mine = this.#choices.of(own);
      this.model.seen(mine, (await pullImage(this.#server, this.model.name, mine)) ?? null);
    } else await this.#pullOfOthers(this.#choices.of([SHARED, ...this.#all]), tag);
  }

  /** What is deleted in the middle of a pull may break it; what is still there must come whole. */
  async #pullOfOthers(repository: string, tag: string): Promise<void> {
    try {
      await pullImage(this.#server, repository, tag);
    } catch (error) {
      if (error instanceof CutOff) throw error;
      await pullImage(this.#server, repository, tag);
    }
  }

  async #unsure(act: () => Promise<void>, note: (sure: boolean) => void): Promise<void> {
    try {
      await act();
      note(true);
    } catch (error) {
      if (error instanceof CutOff) note(false);
      throw error;
    }
  }

  #someTag(): string | undefined {
    const tags = this.model.present();
    return tags.length === 0 ? undefined : this.#choices.of(tags);
  }

  /** One that some tag surely means. */
  #someImage(): MadeImage | undefined {
    const tag = this.#someTag();
    const meanings = tag === undefined ? [] : [...this.model.meanings(tag)];
    return meanings.length === 1 && meanings[0] ? this.model.image(meanings[0]) : undefined;
  }
}

const ACTS: Record<string, { act: Act; weight: number }> = {
  push: { act: (client) => client.pushTag(), weight: 8 },
  'push of an index': { act: (client) => client.pushIndex(), weight: 3 },
  'push again': { act: (client) => client.pushAgain(), weight: 3 },
  'shared push': { act: (client) => client.pushShared(), weight: 2 },
  'tag deleted': { act: (client) => client.deleteTag(), weight: 2 },
  'image deleted': { act: (client) => client.deleteManifest(), weight: 4 },
  undeleted: { act: (client) => client.undelete(), weight: 3 },
  'blob deleted': { act: (client) => client.deleteBlob(), weight: 1 },
  pull: { act: (client) => client.pull(), weight: 6 },
};
