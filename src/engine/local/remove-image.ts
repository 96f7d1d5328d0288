import { type Digest, shortDigest } from '../../images/digest.ts';
import { familiarName, fullName, parseReference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import type { ProjectDeps } from '../deps.ts';
import { chainIDs } from '../snapshots/snapshot-store.ts';
import { countChildren } from './list-images.ts';
import type { FoundImage, LocalImages, ScopeImage } from './local-images.ts';
import type { ImageUser, RemovedRow, RemoveOptions } from './shelf.ts';

/** An image that goes while something else is done, and nobody asked for. */
interface Quiet {
  quiet: boolean;
  force: boolean;
}

/**
 * `docker rmi`, by dockerd's rules: a name goes; with the last name the image goes, unless others were made of it; and with
 * the image, one after the other, those that it was made of and that nothing else needs.
 */
export class ImageRemoval {
  readonly rows: RemovedRow[] = [];
  /** Images that went. */
  readonly gone: ScopeImage[] = [];
  readonly #images: LocalImages;
  readonly #deps: ProjectDeps;
  readonly #scope: string;
  readonly #options: RemoveOptions;
  #known = new Map<Digest, ScopeImage>();
  /** How often each tree of layers is used by what is there. */
  #chains = new Map<Digest, number>();

  private constructor(images: LocalImages, deps: ProjectDeps, scope: string, options: RemoveOptions) {
    this.#images = images;
    this.#deps = deps;
    this.#scope = scope;
    this.#options = options;
  }

  static async of(
    images: LocalImages,
    deps: ProjectDeps,
    scope: string,
    options: RemoveOptions,
  ): Promise<ImageRemoval> {
    const removal = new ImageRemoval(images, deps, scope, options);
    const all = await images.all(scope);
    removal.#known = new Map(all.map((image) => [image.id, image]));
    for (const image of [...all, ...(await images.ofContainers(scope))])
      for (const chain of await removal.#chainsOf(image))
        removal.#chains.set(chain, (removal.#chains.get(chain) ?? 0) + 1);
    return removal;
  }

  /** @throws Problem `conflict` */
  async remove(text: string, found: FoundImage): Promise<void> {
    const image = this.#known.get(found.id) ?? { ...found, kind: 'layer', names: [] };
    const { force = false } = this.#options;
    const name = nameMeant(text);
    if (name === undefined || !image.names.includes(name)) return await this.#byId(image, force);
    const [user] = this.#usersOf(image.id);
    if (!force && isSingle(image.names) && user !== undefined)
      throw conflict(
        `unable to remove repository reference ${JSON.stringify(text)} (must force) - container ${user.container.slice(0, 12)} is using its referenced image ${shortDigest(image.id)}`,
      );
    await this.#untag(image, name);
    const { host, repository, tag } = parseReference(name);
    const siblings = image.names.filter((other) => {
      const reference = parseReference(other);
      return reference.host === host && reference.repository === repository;
    });
    if (tag !== undefined && siblings.every((other) => parseReference(other).tag === undefined))
      for (const sibling of siblings) await this.#untag(image, sibling);
    if (image.names.length === 0) await this.#delete(image, { quiet: true, force });
  }

  async #byId(image: ScopeImage, force: boolean): Promise<void> {
    if (isSingle(image.names)) {
      this.#check(image, { force, named: false });
      for (const name of [...image.names]) await this.#untag(image, name);
    }
    await this.#delete(image, { quiet: false, force });
  }

  async #delete(image: ScopeImage, { quiet, force }: Quiet): Promise<void> {
    const refused = this.#refusal(image, { force, named: true });
    if (refused !== undefined) {
      if (quiet && (image.names.length > 0 || this.#children(image.id) > 0 || refused.isUse)) return;
      throw refused.problem;
    }
    for (const name of [...image.names]) await this.#untag(image, name);
    await this.#deps.names.letGo(this.#scope, [image.id]);
    this.#known.delete(image.id);
    this.gone.push(image);
    this.rows.push({ deleted: image.id, isImage: true });
    for (const chain of (await this.#chainsOf(image)).reverse()) {
      const uses = (this.#chains.get(chain) ?? 1) - 1;
      this.#chains.set(chain, uses);
      if (uses === 0) this.rows.push({ deleted: chain, isImage: false });
    }
    const parent = image.parent === undefined ? undefined : this.#known.get(image.parent);
    if (parent === undefined || this.#options.noPrune === true) return;
    if (parent.names.length === 0) await this.#delete(parent, { quiet: true, force: false });
  }

  async #untag(image: ScopeImage, name: string): Promise<void> {
    await this.#deps.names.remove(this.#scope, name);
    image.names = image.names.filter((other) => other !== name);
    this.rows.push({ untagged: familiar(name) });
  }

  #check(image: ScopeImage, options: { force: boolean; named: boolean }): void {
    const refused = this.#refusal(image, options);
    if (refused !== undefined) throw refused.problem;
  }

  /** @param named whether names stand in the way */
  #refusal(
    { id, names }: ScopeImage,
    { force, named }: { force: boolean; named: boolean },
  ): { problem: Problem; isUse: boolean } | undefined {
    const refuse = (how: string, why: string, isUse: boolean) => ({
      problem: conflict(`unable to delete ${shortDigest(id)} (${how}) - ${why}`),
      isUse,
    });
    if (this.#children(id) > 0) return refuse('cannot be forced', 'image has dependent child images', false);
    const users = this.#usersOf(id);
    const running = users.find((user) => user.running);
    if (running !== undefined)
      return refuse('cannot be forced', `image is being used by running container ${shown(running)}`, true);
    if (force) return undefined;
    if (named && names.length > 0)
      return refuse('must be forced', 'image is referenced in multiple repositories', false);
    const [stopped] = users;
    if (stopped === undefined) return undefined;
    return refuse('must be forced', `image is being used by stopped container ${shown(stopped)}`, true);
  }

  #children(id: Digest): number {
    return countChildren([...this.#known.values()]).get(id) ?? 0;
  }

  #usersOf(id: Digest): readonly ImageUser[] {
    return this.#options.users?.(id) ?? [];
  }

  /** The trees that its layers make, the lowest first; none of an image that can't be read. */
  async #chainsOf(image: FoundImage): Promise<Digest[]> {
    try {
      return chainIDs((await this.#images.facts.of(image)).layers.map(({ diffID }) => diffID));
    } catch {
      return [];
    }
  }
}

function shown({ container }: ImageUser): string {
  return container.slice(0, 12);
}

function conflict(message: string): Problem {
  return new Problem('conflict', `conflict: ${message}`);
}

function familiar(name: string): string {
  return familiarName(parseReference(name));
}

function nameMeant(text: string): string | undefined {
  try {
    return fullName(text);
  } catch {
    return undefined; // an id of 64 digits is no reference
  }
}

/** One name, or one tag and the digests of the same repository. */
function isSingle(names: readonly string[]): boolean {
  if (names.length <= 1) return true;
  const references = names.map(parseReference);
  const tagged = references.filter(({ tag }) => tag !== undefined);
  const repositories = new Set(references.map(({ host, repository }) => `${host}/${repository}`));
  return tagged.length <= 1 && repositories.size === 1;
}
