/** A shorter secret would blot out half of a log, and is none. */
const SHORTEST = 4;
/** A line of a longer secret is one itself from here on; shorter ones are braces, names and dashes. */
const SHORTEST_LINE = 8;
const MASK = '***';

/** Takes the values of secrets out of what a command prints, however it is cut into pieces. */
export class SecretMask {
  readonly #values: Values;

  constructor(secrets: readonly Uint8Array[]) {
    const texts = secrets.flatMap((secret) => {
      const text = Buffer.from(secret).toString('utf8');
      const lines = text.split('\n').map((line) => line.trim());
      return [text, text.trim()]
        .filter((whole) => whole.trim().length >= SHORTEST)
        .concat(lines.filter((line) => line.length >= SHORTEST_LINE));
    });
    this.#values = new Values(texts);
  }

  /** One for each stream. */
  stream(): MaskedStream {
    return new MaskedStream(this.#values);
  }
}

/** Hidden texts by their first character: a key file has hundreds of lines, and a log millions of characters. */
class Values {
  /** The longest first, so that of two that begin alike the whole one is found. */
  readonly all: readonly string[];
  readonly #byFirst = new Map<number, string[]>();

  constructor(texts: readonly string[]) {
    this.all = [...new Set(texts)].sort((a, b) => b.length - a.length);
    for (const text of this.all) {
      const first = text.charCodeAt(0);
      this.#byFirst.set(first, [...(this.#byFirst.get(first) ?? []), text]);
    }
  }

  /** Those that may begin at a place of a text. */
  at(text: string, place: number): readonly string[] {
    return this.#byFirst.get(text.charCodeAt(place)) ?? NONE;
  }
}

const NONE: readonly string[] = [];

/** What might be the beginning of a secret is held back until it is known. */
export class MaskedStream {
  readonly #values: Values;
  #held = '';

  constructor(values: Values) {
    this.#values = values;
  }

  take(text: string): string {
    if (this.#values.all.length === 0) return text;
    const all = this.#held + text;
    let out = '';
    let from = 0;
    for (let at = 0; at < all.length; ) {
      const found = this.#values.at(all, at).find((value) => all.startsWith(value, at));
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
    return this.#values.all.reduce((text, value) => text.replaceAll(value, MASK), rest);
  }

  #mayBegin(all: string, at: number): boolean {
    const rest = all.length - at;
    return this.#values.at(all, at).some((value) => value.length > rest && value.startsWith(all.slice(at)));
  }

  /** Whether a longer secret that begins with this one can still come. */
  #mayGrow(all: string, at: number, found: string): boolean {
    const rest = all.length - at;
    return this.#values
      .at(all, at)
      .some((value) => value.length > found.length && value.length > rest && value.startsWith(all.slice(at)));
  }
}
