import { Problem } from '../lib/problem.ts';
import { type Glob, matchesGlob, parseGlob } from './glob.ts';

/** Go's filepath.Match as COPY and ADD use it: `*` and `?` stop at a slash, `[a-z]`, `\` escapes. */
export class PathPattern {
  readonly #glob: Glob;

  /** @throws Problem `invalid` */
  constructor(pattern: string) {
    try {
      this.#glob = parseGlob(pattern, { deep: false });
    } catch (error) {
      if (error instanceof RangeError) throw new Problem('invalid', error.message);
      throw error;
    }
  }

  matches(name: string): boolean {
    return matchesGlob(this.#glob, name);
  }
}

/** One pattern against one name; see PathPattern for many names. @throws Problem `invalid` */
export function matchPath(pattern: string, name: string): boolean {
  return new PathPattern(pattern).matches(name);
}
