import type { Range } from '../../lib/problem.ts';
import { Complaint } from '../complaint.ts';

/**
 * Parser directives: comments of the form `# key=value` that stand above everything else. The first line that is no known
 * directive ends them; what follows is a comment like any other.
 */
export interface Directives {
  /** The character that continues lines and takes away the meaning of the next one. */
  escape: '\\' | '`';
  /** Value of `# syntax=`, as written. */
  syntax?: { value: string; range: Range };
  /** From `# check=`: rules that are not reported, and whether a remark fails the build. Experimental rules are unknown here. */
  check: { skip: ReadonlySet<string> | 'all'; error: boolean };
}

const DIRECTIVE = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const KNOWN = new Set(['syntax', 'escape', 'check']);

/** Front ends that this compiler is itself, by name: any version of the stable Dockerfile language. */
const BUILT_IN = /^(?:docker\.io\/|index\.docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@].*)?$/;

/** Reads the directives at the top of a text that is already free of its byte order mark. */
export function readDirectives(lines: readonly string[]): Directives {
  const directives: Directives = { escape: '\\', check: { skip: new Set(), error: false } };
  const seen = new Set<string>();
  for (const [index, line] of lines.entries()) {
    if (index === 0 && line.startsWith('#!')) continue; // a Dockerfile may be made executable
    const match = DIRECTIVE.exec(line);
    const key = match?.[1]?.toLowerCase() ?? '';
    const value = match?.[2];
    if (value === undefined || !KNOWN.has(key)) break;
    const column = line.lastIndexOf(value) + 1;
    const range: Range = { line: index + 1, column, endLine: index + 1, endColumn: column + value.length };
    if (seen.has(key)) throw new Complaint(`only one ${key} parser directive can be used`, { ranges: [range] });
    seen.add(key);
    if (key === 'escape') directives.escape = escapeToken(value, range);
    else if (key === 'syntax') directives.syntax = { value, range };
    else directives.check = checkOptions(value, range);
  }
  return directives;
}

function escapeToken(value: string, range: Range): '\\' | '`' {
  if (value === '\\' || value === '`') return value;
  throw new Complaint(`invalid escape token '${value}' does not match \` or \\`, { ranges: [range] });
}

function checkOptions(value: string, range: Range): Directives['check'] {
  const check: Directives['check'] = { skip: new Set(), error: false };
  for (const option of value.split(';')) {
    const [key = '', text = ''] = option.split('=').map((part) => part.trim());
    if (key === 'skip') {
      const rules = text.split(',').map((rule) => rule.trim());
      check.skip = rules.some((rule) => rule.toLowerCase() === 'all') ? 'all' : new Set(rules);
    } else if (key === 'experimental') continue;
    else if (key === 'error' && /^(?:true|false)$/i.test(text)) check.error = text.toLowerCase() === 'true';
    else
      throw new Complaint(`invalid check option ${JSON.stringify(option.trim())}`, {
        ranges: [range],
        hint: 'Options are skip=RULE,RULE or skip=all, and error=true, joined by a semicolon.',
      });
  }
  return check;
}

/** The name that forces the built-in front end, whatever the file says. */
const FORCED = 'dockerfile.v0';

/**
 * Refuses a language that we don't speak: front ends are images that other builders run, here the compiler is built in.
 * @param override value of the build argument BUILDKIT_SYNTAX, which wins over the file
 */
export function checkFrontEnd(directives: Directives, override: string | undefined): void {
  const wanted = override ?? directives.syntax?.value;
  const name = wanted?.split(/\s+/)[0] ?? FORCED;
  if (name === FORCED || BUILT_IN.test(name)) return;
  const fromFile = override === undefined && directives.syntax !== undefined;
  throw new Complaint(`the front end ${name} can't be run: only docker/dockerfile is built in`, {
    code: 'unsupported',
    ranges: fromFile && directives.syntax ? [directives.syntax.range] : [],
    hint: fromFile
      ? 'If the file is an ordinary Dockerfile, remove the directive or write: # syntax=docker/dockerfile:1'
      : 'Drop --build-arg BUILDKIT_SYNTAX.',
  });
}
