import { familiarName, parseReference, withDefaultTag } from '../images/reference.ts';

/** What `--build-context NAME=...` gives under its name: another image's name, or files and layers that the engine opens. */
export type ContextMeaning = { kind: 'image'; reference: string } | { kind: 'named'; name: string };

/**
 * Named contexts as FROM, `--from` and mounts ask for them. A name that is an image's is compared as the image it means,
 * so `debian`, `debian:latest` and `docker.io/library/debian` are one.
 */
export class ContextNames {
  readonly #meanings = new Map<string, ContextMeaning>();

  /** @param contexts by name: the reference of an image, or undefined for all else */
  constructor(contexts: Readonly<Record<string, string | undefined>> = {}) {
    for (const [name, reference] of Object.entries(contexts))
      this.#meanings.set(
        canonical(name),
        reference === undefined ? { kind: 'named', name } : { kind: 'image', reference },
      );
  }

  find(name: string): ContextMeaning | undefined {
    return this.#meanings.size === 0 ? undefined : this.#meanings.get(canonical(name));
  }
}

function canonical(name: string): string {
  try {
    return familiarName(withDefaultTag(parseReference(name))).replace(/:latest$/, '');
  } catch {
    return name.toLowerCase();
  }
}
