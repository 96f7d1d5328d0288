import type { Range } from '../../lib/problem.ts';
import { Complaint } from '../complaint.ts';

/** A directive's value as written. */
interface DirectiveValue {
  value: string;
  range: Range;
}

/**
 * Parser directives: comments of the form `# key=value` that stand above everything else. The first line that is no known
 * directive ends them; what follows is a comment like any other.
 */
export interface Directives {
  /** The character that continues lines and takes away the meaning of the next one. */
  escape: '\\' | '`';
  syntax?: DirectiveValue;
  /** Read by checks/options.ts. */
  check?: DirectiveValue;
  /** How many lines they take, from the first. */
  lines: number;
}

const DIRECTIVE = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=(.*)$/;
const KNOWN = new Set(['syntax', 'escape', 'check']);

/** Front ends that this compiler is itself, by name: any version of the stable Dockerfile language. */
const BUILT_IN = /^(?:docker\.io\/|index\.docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@].*)?$/;

/** Reads the directives at the top of a text that is already free of its byte order mark. */
export function readDirectives(lines: readonly string[]): Directives {
  const directives: Directives = { escape: '\\', lines: 0 };
  const seen = new Set<string>();
  for (const [index, line] of lines.entries()) {
    if (index === 0 && line.startsWith('#!')) {
      directives.lines = 1; // a Dockerfile may be made executable
      continue;
    }
    const match = DIRECTIVE.exec(line);
    const key = match?.[1]?.toLowerCase() ?? '';
    const value = match?.[2]?.trim() ?? '';
    if (value === '' || !KNOWN.has(key)) break;
    const column = line.lastIndexOf(value) + 1;
    const range: Range = { line: index + 1, column, endLine: index + 1, endColumn: column + value.length };
    if (seen.has(key)) throw new Complaint(`only one ${key} parser directive can be used`, { ranges: [range] });
    seen.add(key);
    if (key === 'escape') directives.escape = escapeToken(value, range);
    else if (key === 'syntax') directives.syntax = { value, range };
    else directives.check = { value, range };
    directives.lines = index + 1;
  }
  return directives;
}

function escapeToken(value: string, range: Range): '\\' | '`' {
  if (value === '\\' || value === '`') return value;
  throw new Complaint(`invalid escape token '${value}' does not match \` or \\`, { ranges: [range] });
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

/**
 * Refuses a text that is meant for another language: such a file names its front end in a comment of its own (`// syntax=`)
 * or as JSON, `{"syntax": ...}`.
 */
export function checkForeign(text: string, override: string | undefined): void {
  const [first = ''] = text
    .replace(/^\uFEFF/, '')
    .replace(/^#!.*\n/, '')
    .split('\n', 1);
  const value = /^\s*\/\/\s*syntax\s*=(.*)$/i.exec(first)?.[1]?.trim() ?? jsonSyntax(text);
  if (value === undefined) return;
  const range: Range = { line: text.startsWith('#!') ? 2 : 1, column: 1, endLine: 1, endColumn: first.length + 1 };
  checkFrontEnd({ escape: '\\', lines: 0, syntax: { value, range: { ...range, endLine: range.line } } }, override);
}

function jsonSyntax(text: string): string | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const syntax = typeof value === 'object' && value !== null && 'syntax' in value ? value.syntax : undefined;
    return typeof syntax === 'string' ? syntax : undefined;
  } catch {
    return undefined;
  }
}
