import { randomInt } from 'node:crypto';
import { Problem } from '../../lib/problem.ts';
import { ADJECTIVES, NOUNS } from './name-words.ts';

/**
 * Which container a person means: by its id, by its name (with or without the slash in front that docker gives it), or by
 * the beginning of an id that only one has; in that order. Names are taken before a container is made, so that two who ask
 * at once don't both get one.
 */
export class ContainerIndex<T> {
  readonly #byId = new Map<string, T>();
  readonly #idOfName = new Map<string, string>();

  /** @throws Problem `invalid`, `conflict` in docker's words */
  takeName(name: string, id: string): void {
    const plain = withoutSlash(name);
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(plain)) {
      throw new Problem('invalid', `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
    }
    const taken = this.#idOfName.get(plain);
    if (taken !== undefined) {
      throw new Problem(
        'conflict',
        `Conflict. The container name "/${plain}" is already in use by container "${taken}". You have to remove (or rename) ` +
          'that container to be able to reuse that name.',
      );
    }
    this.#idOfName.set(plain, id);
  }

  /** One that nobody has. */
  takeGeneratedName(id: string): string {
    for (let tries = 0; ; tries++) {
      const words = `${ADJECTIVES[randomInt(ADJECTIVES.length)]}_${NOUNS[randomInt(NOUNS.length)]}`;
      const name = tries < 6 ? words : `${words}${randomInt(10 ** Math.min(9, tries - 4))}`;
      if (this.#idOfName.has(name)) continue;
      this.#idOfName.set(name, id);
      return name;
    }
  }

  freeName(name: string): void {
    this.#idOfName.delete(withoutSlash(name));
  }

  add(id: string, value: T): void {
    this.#byId.set(id, value);
  }

  remove(id: string, name: string): void {
    this.#byId.delete(id);
    this.freeName(name);
  }

  /** In the order in which they came. */
  all(): T[] {
    return [...this.#byId.values()];
  }

  get size(): number {
    return this.#byId.size;
  }

  /** @throws Problem `not-found`, `invalid` in docker's words */
  find(name: string): T {
    const exact = this.#byId.get(name) ?? this.#byId.get(this.#idOfName.get(withoutSlash(name)) ?? '');
    if (exact !== undefined) return exact;
    const found = /^[0-9a-f]+$/.test(name) ? [...this.#byId.keys()].filter((id) => id.startsWith(name)) : [];
    if (found.length > 1) throw new Problem('invalid', `Multiple IDs found with provided prefix: ${name}`);
    const one = this.#byId.get(found[0] ?? '');
    if (one === undefined) throw new Problem('not-found', `No such container: ${name}`);
    return one;
  }
}

function withoutSlash(name: string): string {
  return name.startsWith('/') ? name.slice(1) : name;
}
