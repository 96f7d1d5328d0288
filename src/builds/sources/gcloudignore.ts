import { Problem } from '../../lib/problem.ts';
import { Wildcard } from '../run/wildcard.ts';

/**
 * .gcloudignore: what `gcloud builds submit` leaves out of the upload. Its own rules, near to gitignore's:
 *
 * - one pattern a line, `#` comments, `!` takes back in, the last match wins;
 * - what lies below an ignored folder cannot come back;
 * - `x/` means folders only, `/x` or `a/x` from the root, `x` at any depth; `*`, `?` and `[...]` stay within a name, `**`
 *   crosses folders; trailing spaces don't count unless written `\ `; a line that ends in a single backslash is dropped;
 *   before `#` or `!` at the beginning a backslash takes away their meaning, anywhere else it stands for itself;
 * - `#!include:FILE` puts in the patterns of a file beside it, one level deep.
 *
 * Checked against gcloud 528 (`gcloud meta list-files-for-upload`).
 */
export interface IgnoreRule {
  file: string;
  /** From 1. */
  line: number;
  /** As written. */
  text: string;
  include: boolean;
  foldersOnly: boolean;
  pattern: Wildcard;
}

export class IgnoreRules {
  readonly rules: readonly IgnoreRule[];

  constructor(rules: readonly IgnoreRule[]) {
    this.rules = rules;
  }

  /**
   * The rule that keeps the path out of the upload, or undefined when it is uploaded.
   * @param path relative, with slashes, without a leading one
   */
  excludes(path: string, isFolder = false): IgnoreRule | undefined {
    const parts = path.split('/');
    for (let depth = 1; depth <= parts.length; depth++) {
      const folder = depth < parts.length || isFolder;
      const part = parts.slice(0, depth).join('/');
      const last = this.rules.findLast((rule) => (folder || !rule.foldersOnly) && rule.pattern.test(part));
      if (last !== undefined && !last.include) return last;
    }
    return undefined;
  }
}

/** What gcloud assumes when the folder has no .gcloudignore but is a git working tree. */
export function defaultIgnoreText(hasGitignore: boolean): string {
  return `.gcloudignore\n.git\n.gitignore\n${hasGitignore ? '#!include:.gitignore\n' : ''}`;
}

/**
 * Reads the rules of a file; `readIncluded` gives the text of a file beside it, undefined when there is none.
 * @throws Problem `invalid` for an include that leads elsewhere or isn't there
 */
export async function parseIgnoreFile(
  text: string,
  file: string,
  readIncluded: (name: string) => Promise<string | undefined>,
): Promise<IgnoreRules> {
  const rules: IgnoreRule[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const included = /^#\s*!include:\s*(.*?)\s*$/.exec(line)?.[1];
    if (included === undefined) {
      rules.push(...ruleOf(line, file, index + 1));
      continue;
    }
    const place = {
      file,
      text,
      ranges: [{ line: index + 1, column: 1, endLine: index + 1, endColumn: line.length + 1 }],
    };
    if (included.includes('/') || included === '')
      throw new Problem('invalid', 'May only include files in the same directory.', { place });
    const inner = await readIncluded(included);
    if (inner === undefined) throw new Problem('invalid', `Could not read ignore file [${included}]`, { place });
    for (const [at, innerLine] of inner.split(/\r?\n/).entries()) rules.push(...ruleOf(innerLine, included, at + 1));
  }
  return new IgnoreRules(rules);
}

function ruleOf(line: string, file: string, number: number): IgnoreRule[] {
  if (line === '' || line.startsWith('#')) return [];
  const backslashes = /\\*$/.exec(line)?.[0].length ?? 0;
  if (backslashes % 2 === 1) return [];
  let pattern = line.replace(/(?<!\\)[ \t]+$/, '').replace(/\\ $/, ' ');
  const include = pattern.startsWith('!');
  if (include) pattern = pattern.slice(1);
  if (/^\\[!#]/.test(pattern)) pattern = pattern.slice(1);
  const foldersOnly = pattern.endsWith('/');
  pattern = pattern.replace(/\/+$/, '');
  if (pattern === '') return [];
  return [{ file, line: number, text: line, include, foldersOnly, pattern: Wildcard.gcloudignore(pattern) }];
}
