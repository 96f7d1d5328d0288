import type { Range } from '../../lib/problem.ts';
import type { Fix } from '../checks/fix.ts';
import type { RuleName } from '../checks/rules.ts';
import { Complaint } from '../complaint.ts';
import { readJsonArray } from './json-words.ts';
import type { LogicalLine } from './lines.ts';
import type { Node, Pair, Word } from './nodes.ts';
import { type RawWord, splitFlags, splitWords } from './words.ts';

/**
 * How the text behind an instruction's name is read. `json-line`: an array, or else one text; `json-words`: an array, or
 * else words; `pairs`: `k=v k=v`, or the old `k v`; `health`: a type, then a `json-line`; `trigger`: another instruction.
 */
type Shape = 'line' | 'words' | 'json-line' | 'json-words' | 'pairs' | 'names' | 'health' | 'trigger';

const SHAPES: Record<string, Shape> = {
  ADD: 'json-words',
  ARG: 'names',
  CMD: 'json-line',
  COPY: 'json-words',
  ENTRYPOINT: 'json-line',
  ENV: 'pairs',
  EXPOSE: 'words',
  FROM: 'words',
  HEALTHCHECK: 'health',
  LABEL: 'pairs',
  MAINTAINER: 'line',
  ONBUILD: 'trigger',
  RUN: 'json-line',
  SHELL: 'json-line',
  STOPSIGNAL: 'line',
  USER: 'line',
  VOLUME: 'json-words',
  WORKDIR: 'line',
};

/** Every instruction of the language. */
export const INSTRUCTIONS: readonly string[] = Object.keys(SHAPES);

export type Remark = (rule: RuleName, message: string, node: Node, fix: Fix) => void;

/** Splits a logical line, from `from` on, into an instruction's words. */
export function splitInstruction(line: LogicalLine, escapeToken: string, remark: Remark, from = 0): Node {
  const start = from + (line.text.slice(from).match(/^\s*/)?.[0].length ?? 0);
  const written = line.text.slice(start).match(/^\S+/)?.[0] ?? '';
  const end = line.text.trimEnd().length;
  const { flags, rest } = splitFlags(line.text, start + written.length);
  const node: Node = {
    name: written.toUpperCase(),
    written,
    nameRange: line.range(start, start + written.length),
    range: line.range(start, end),
    text: line.text.slice(start, end),
    line,
    flags: flags.map((flag) => wordOf(line, flag)),
    words: [],
    pairs: [],
    json: false,
    heredocs: [],
    comments: [],
  };
  fill(node, skipBlanks(line.text, rest), escapeToken, remark);
  return node;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (/\s/.test(text[at] ?? '')) at++;
  return at;
}

function wordOf(line: LogicalLine, raw: RawWord): Word {
  return { text: raw.text, range: line.range(raw.start, raw.end), start: raw.start };
}

function fill(node: Node, from: number, escapeToken: string, remark: Remark): void {
  const shape = SHAPES[node.name] ?? 'line';
  const { line } = node;
  switch (shape) {
    case 'line':
      node.words = wholeLine(line, from);
      break;
    case 'words':
      node.words = [...line.text.slice(from).matchAll(/\S+/g)].map((match) =>
        wordOf(line, { text: match[0], start: from + match.index, end: from + match.index + match[0].length }),
      );
      break;
    case 'names':
      node.words = splitWords(line.text, escapeToken, from).map((word) => wordOf(line, word));
      break;
    case 'pairs':
      node.pairs = readPairs(node, from, escapeToken);
      break;
    case 'json-line':
      node.words = readJson(node, from, remark) ?? wholeLine(line, from);
      break;
    case 'json-words':
      node.words =
        readJson(node, from, remark) ??
        [...line.text.slice(from).matchAll(/\S+/g)].map((match) =>
          wordOf(line, { text: match[0], start: from + match.index, end: from + match.index + match[0].length }),
        );
      break;
    case 'health': {
      const type = line.text.slice(from).match(/^\S+/)?.[0];
      if (type === undefined) break;
      const command = skipBlanks(line.text, from + type.length);
      const words = readJson(node, command, remark) ?? wholeLine(line, command);
      node.words = [wordOf(line, { text: type, start: from, end: from + type.length }), ...words];
      break;
    }
    case 'trigger':
      if (from < line.text.trimEnd().length) node.trigger = splitInstruction(line, escapeToken, remark, from);
  }
}

function wholeLine(line: LogicalLine, from: number): Word[] {
  const text = line.text.slice(from).trimEnd();
  return text === '' ? [] : [wordOf(line, { text, start: from, end: from + text.length })];
}

/** An array whose only mistake is its quotes or a trailing comma; a shell test such as `[ -f x ]` is not meant. */
const NEARLY_JSON = /^\[\s*(?:'[^']*'|"[^"]*")\s*(?:,.*)?\]$/s;

/** The words of an array that takes the whole rest of the line; anything else is plain text, as in BuildKit's newest parser. */
function readJson(node: Node, from: number, remark: Remark): Word[] | undefined {
  const { line } = node;
  const text = line.text.slice(from).trimEnd();
  const end = from + text.length;
  const array = readJsonArray(line.text, from);
  if (array?.end === end) {
    node.json = true;
    return array.words.map((word) => wordOf(line, word));
  }
  if (array !== undefined && array.words.length > 0)
    remark('JSONArgsInvalid', `${node.name} is read as plain text: something follows its array`, node, {
      text: 'Take it into the array, or leave it out',
      ...editsOf(line.range(array.end, end), ''),
    });
  else if (NEARLY_JSON.test(text))
    remark('JSONArgsInvalid', `${node.name} is read as plain text: its array is not valid JSON`, node, {
      text: 'Write an array of strings in double quotes',
      ...editsOf(line.range(from, end), validArray(text)),
    });
  return undefined;
}

/** The array with double quotes and without a trailing comma, if that is all that it lacks. */
function validArray(text: string): string | undefined {
  if (/\\|'[^']*"|"[^"]*'/.test(text)) return undefined;
  const mended = text.replaceAll("'", '"').replace(/,\s*\]$/, ']');
  return readJsonArray(mended, 0)?.end === mended.length ? mended : undefined;
}

function editsOf(range: Range, text: string | undefined): Pick<Fix, 'edits'> {
  return text === undefined ? {} : { edits: [{ range, text }] };
}

function readPairs(node: Node, from: number, escapeToken: string): Pair[] {
  const { line } = node;
  const words = splitWords(line.text, escapeToken, from);
  const first = words[0];
  if (first === undefined) return [];
  if (!first.text.includes('=')) return [legacyPair(node, first, from)];
  return words.map((raw, index) => {
    const word = wordOf(line, raw);
    const equals = raw.text.indexOf('=');
    if (equals < 0)
      throw new Complaint(
        `Syntax error - can't find = in ${JSON.stringify(raw.text)}. Must be of the form: name=value`,
        {
          ranges: [word.range],
          hint: `Put quotes around a value that has blanks: ${words[index - 1]?.text.replace('=', '="')} ${raw.text}"`,
        },
      );
    const middle = raw.start + equals;
    return {
      key: wordOf(line, { text: raw.text.slice(0, equals), start: raw.start, end: middle }),
      value: wordOf(line, { text: raw.text.slice(equals + 1), start: middle + 1, end: raw.end }),
      separator: '=',
    };
  });
}

/** `ENV name the rest of the line`: one pair. */
function legacyPair(node: Node, first: RawWord, from: number): Pair {
  const { line } = node;
  const key = line.text.slice(from).match(/^\S+/)?.[0] ?? first.text;
  const [value] = wholeLine(line, skipBlanks(line.text, from + key.length));
  if (value === undefined)
    throw new Complaint(`${node.name} must have two arguments`, {
      hint: `Write ${node.name} ${key}=value; for an empty value, ${node.name} ${key}=`,
    });
  return { key: wordOf(line, { text: key, start: from, end: from + key.length }), value, separator: '' };
}
