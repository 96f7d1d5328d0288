import { posix } from 'node:path';
import { Problem } from '../lib/problem.ts';
import { type Glob, matchesGlob, mayMatchBelow, parseGlob } from './glob.ts';

/** A line of an ignore file that means something. */
export interface IgnoreRule {
  /** From 1. */
  line: number;
  /** As written, blanks at the ends dropped. */
  text: string;
}

interface CompiledRule extends IgnoreRule {
  /** `!`: lets back in. */
  includes: boolean;
  /** Cleaned, without the `!`. */
  pattern: string;
  glob: Glob;
}

/** A bound for memory: some megabytes of folders of one walk. */
const KEPT_FOLDERS = 20_000;

/**
 * .dockerignore by the rules of Go's patternmatcher, which are not git's: patterns begin at the context's root, the last
 * rule that matches a path or any of its parents decides, and `!` lets single files back in below an excluded folder.
 * Paths are relative, with `/`, without a leading one.
 */
export class IgnoreMatcher {
  readonly #rules: readonly CompiledRule[];
  readonly #folders = new Map<string, readonly boolean[]>();

  constructor(rules: readonly CompiledRule[]) {
    this.#rules = rules;
  }

  /** The rules as somebody else's matcher takes them. */
  get patterns(): string[] {
    return this.#rules.map(({ includes, pattern }) => `${includes ? '!' : ''}${pattern}`);
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  excludes(path: string): boolean {
    const last = this.#deciding(path);
    return last !== undefined && !last.includes;
  }

  /** The rule that decided, for explanations: one that excludes, or the `!` that let the path in again. */
  ruleFor(path: string): IgnoreRule | undefined {
    const rule = this.#deciding(path);
    return rule === undefined ? undefined : { line: rule.line, text: rule.text };
  }

  /**
   * Whether something below an excluded folder may be let in again; if not, a walk needn't enter it. Only rules behind
   * the one that excludes the folder can do that: it excludes everything below, whatever was said before.
   */
  mayReinclude(folder: string): boolean {
    const excluding = this.#deciding(folder);
    if (excluding === undefined) return true;
    const below = `${folder}/`;
    return this.#rules
      .slice(this.#rules.indexOf(excluding) + 1)
      .some((rule) => rule.includes && mayMatchBelow(rule.glob, below));
  }

  #deciding(path: string): CompiledRule | undefined {
    const above = this.#matchedAbove(path);
    let excluded = false;
    let deciding: CompiledRule | undefined;
    for (const [index, rule] of this.#rules.entries()) {
      // A rule that would change nothing needn't be tried.
      if (rule.includes !== excluded || !(above?.[index] || matchesGlob(rule.glob, path))) continue;
      excluded = !rule.includes;
      deciding = rule;
    }
    return deciding;
  }

  /** Which rules match a parent of the path; kept for each folder, because its files ask one after the other. */
  #matchedAbove(path: string): readonly boolean[] | undefined {
    const slash = path.lastIndexOf('/');
    if (slash <= 0) return undefined;
    const folder = path.slice(0, slash);
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const above = this.#matchedAbove(folder);
    const matched = this.#rules.map((rule, index) => above?.[index] || matchesGlob(rule.glob, folder));
    if (this.#folders.size >= KEPT_FOLDERS) this.#folders.clear();
    this.#folders.set(folder, matched);
    return matched;
  }
}

/**
 * Reads an ignore file. A line that begins with `#` is a comment (not one with blanks before it), the rest is trimmed,
 * cleaned as a path, and loses one leading slash.
 * @throws Problem `invalid` with the place
 */
export function parseIgnore(text: string, file = '.dockerignore'): IgnoreMatcher {
  const rules: CompiledRule[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const trimmed = raw.trim();
    if (raw.startsWith('#') || trimmed === '') continue;
    const includes = trimmed.startsWith('!');
    const written = includes ? trimmed.slice(1).trim() : trimmed;
    const line = index + 1;
    const column = raw.indexOf(trimmed) + 1;
    const range = { line, column, endLine: line, endColumn: column + trimmed.length };
    const place = { file, ranges: [range], text };
    if (written === '')
      throw new Problem('invalid', 'illegal exclusion pattern: "!"', {
        place,
        hint: 'Write the pattern behind it: !keep-this',
      });
    try {
      const pattern = cleaned(written);
      rules.push({ line, text: trimmed, includes, pattern, glob: parseGlob(pattern, { deep: true }) });
    } catch (error) {
      if (error instanceof RangeError) throw new Problem('invalid', error.message, { place });
      throw error;
    }
  }
  return new IgnoreMatcher(rules);
}

/** Go's filepath.Clean: no trailing slash, no `.` and `..` inside. */
function cleaned(pattern: string): string {
  const clean = posix.normalize(pattern).replace(/(.)\/$/, '$1');
  return clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean;
}
