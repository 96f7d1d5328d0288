import { type IgnoreMatcher, parseIgnore } from '../../dockerfile/ignore.ts';
import type { Exclusion } from './select.ts';

/** What an ignore file keeps out of COPY, and why. */
export class IgnoreFile implements Exclusion {
  readonly name: string;
  readonly #matcher: IgnoreMatcher;

  /** @throws Problem `invalid` with the place of a bad pattern */
  constructor(text: string, name: string) {
    this.name = name;
    this.#matcher = parseIgnore(text, name);
  }

  excludes(path: string): boolean {
    return path !== '' && this.#matcher.excludes(path);
  }

  prunes(path: string): boolean {
    return !this.#matcher.mayReinclude(path);
  }

  /** A sentence that names the line, when a path is excluded. @param known how sure it is that there is such a file */
  reason(path: string, known = 'The file is there, but'): string | undefined {
    if (!this.excludes(path)) return undefined;
    const rule = this.#matcher.ruleFor(path);
    return rule === undefined
      ? undefined
      : `${known} ${this.name}:${rule.line} excludes it:\n    ${rule.line} | ${rule.text}\nRemove the line, or let the file in again with !${path} behind it.`;
  }
}

/** The patterns of --exclude, which are an ignore file's. */
export function excludePatterns(patterns: readonly string[]): Exclusion {
  return new IgnoreFile(patterns.join('\n'), '--exclude');
}
