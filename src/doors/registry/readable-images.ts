import { may, mayReadSome } from '../../auth/identity.ts';
import { parseRepositoryKey } from '../../stores/registry/name.ts';
import type { RegistryCall } from './call.ts';

/**
 * Which of many images the caller may pull. Of each repository it is asked once whether it is open to everybody, so that a
 * list in byte order of a million images of others costs one look-up.
 */
export class ReadableImages {
  readonly #call: Pick<RegistryCall, 'identity' | 'isPublic'>;
  #prefix: string | undefined;
  #isOpen = false;
  #readsSome = false;

  constructor(call: Pick<RegistryCall, 'identity' | 'isPublic'>) {
    this.#call = call;
  }

  async has(key: string): Promise<boolean> {
    const { identity, isPublic } = this.#call;
    const name = parseRepositoryKey(key);
    const { project, repository, image } = name;
    if (this.#prefix === undefined || !key.startsWith(this.#prefix)) {
      this.#prefix = key.slice(0, -image.length);
      this.#readsSome = mayReadSome(identity, project, repository);
      this.#isOpen = !may(identity, 'reader', project, repository) && (await isPublic(name));
    }
    return this.#isOpen || (this.#readsSome && may(identity, 'reader', project, repository, image));
  }

  /** When the caller may read nothing of the last one's repository: a key behind all of its images. */
  get behindHidden(): string | undefined {
    if (this.#prefix === undefined || this.#isOpen || this.#readsSome) return undefined;
    return `${this.#prefix}~`; // no name has a character above z
  }
}
