/** A shorter secret would blot out half of a log, and is none. */
const SHORTEST = 4;
const MASK = '***';

/** Takes the values of secrets out of what a command prints, however it is cut into pieces. */
export class SecretMask {
  /** The longest first, so that of two that begin alike the whole one is found. */
  readonly #values: readonly string[];

  constructor(secrets: readonly Uint8Array[]) {
    const texts = secrets.flatMap((secret) => {
      const text = Buffer.from(secret).toString('utf8');
      return [text, text.trim()];
    });
    this.#values = [...new Set(texts)]
      .filter((text) => text.trim().length >= SHORTEST)
      .sort((a, b) => b.length - a.length);
  }

  /** One for each stream. */
  stream(): MaskedStream {
    return new MaskedStream(this.#values);
  }
}

/** What might be the beginning of a secret is held back until it is known. */
export class MaskedStream {
  readonly #values: readonly string[];
  #held = '';

  constructor(values: readonly string[]) {
    this.#values = values;
  }

  take(text: string): string {
    if (this.#values.length === 0) return text;
    const all = this.#held + text;
    let out = '';
    let from = 0;
    for (let at = 0; at < all.length; ) {
      const found = this.#values.find((value) => all.startsWith(value, at));
      if (found !== undefined && !this.#mayGrow(all, at, found)) {
        out += all.slice(from, at) + MASK;
        at += found.length;
        from = at;
      } else if (this.#mayBegin(all, at)) {
        this.#held = all.slice(at);
        return out + all.slice(from, at);
      } else at++;
    }
    this.#held = '';
    return out + all.slice(from);
  }

  /** What is left when the stream is over. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return this.#values.reduce((text, value) => text.replaceAll(value, MASK), rest);
  }

  #mayBegin(all: string, at: number): boolean {
    const rest = all.length - at;
    return this.#values.some((value) => value.length > rest && value.startsWith(all.slice(at)));
  }

  /** Whether a longer secret that begins with this one can still come. */
  #mayGrow(all: string, at: number, found: string): boolean {
    const rest = all.length - at;
    return this.#values.some(
      (value) => value.length > found.length && value.length > rest && value.startsWith(all.slice(at)),
    );
  }
}
