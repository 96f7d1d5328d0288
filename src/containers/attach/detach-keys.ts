import { Problem } from '../../lib/problem.ts';

const DEFAULT_KEYS = 'ctrl-p,ctrl-q';
const CONTROL = '@abcdefghijklmnopqrstuvwxyz[\\]^_';

/**
 * The bytes that leave a terminal without ending what runs in it, in docker's notation: keys with commas between them, each
 * one character or `ctrl-` and a letter or one of `@[\]^_`.
 * @throws Problem `invalid` in docker's words
 */
export function parseDetachKeys(text: string | undefined): Buffer {
  return Buffer.from((text || DEFAULT_KEYS).split(',').map((key) => byteOf(key, text ?? '')));
}

function byteOf(key: string, text: string): number {
  if (key.length === 1) return key.charCodeAt(0);
  const control = key.startsWith('ctrl-') && key.length === 6 ? CONTROL.indexOf(key.charAt(5)) : -1;
  if (control < 0) throw new Problem('invalid', `Invalid detach keys (${text}) provided`);
  return control;
}

/** Looks for the detach keys in what is typed; a beginning of them is held until it is known whether the rest follows. */
export class DetachKeys {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** @returns what is to be passed on, and whether the keys were complete; what follows them is dropped */
  take(chunk: Buffer): { passed: Buffer; detached: boolean } {
    const parts: Buffer[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (chunk[at] === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched < this.#keys.length) continue;
        const end = at + 1 - this.#matched;
        this.#matched = 0;
        if (end > from) parts.push(chunk.subarray(from, end));
        return { passed: Buffer.concat(parts), detached: true };
      }
      if (this.#matched === 0) continue;
      // what was held before this chunk is no part of it
      if (at - this.#matched < from) {
        parts.push(this.#keys.subarray(0, this.#matched));
        from = at;
      }
      this.#matched = chunk[at] === this.#keys[0] ? 1 : 0;
    }
    const end = chunk.length - this.#matched;
    if (end > from) parts.push(chunk.subarray(from, end));
    return { passed: Buffer.concat(parts), detached: false };
  }
}
