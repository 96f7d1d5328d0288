import type { Range } from '../../lib/problem.ts';
import type { Edit } from '../checks/fix.ts';
import type { Heredoc } from './heredoc.ts';
import type { LogicalLine } from './lines.ts';

/** A word of an instruction: as written, except that words of a JSON array are decoded and flags have lost their quotes. */
export interface Word {
  text: string;
  range: Range;
  /** Offset in the node's logical line. */
  start: number;
}

/** `key=value`, or of the old form `key value` (then `separator` is empty). */
export interface Pair {
  key: Word;
  value: Word;
  separator: '=' | '';
}

/** A comment line, its `#` and the blanks around it dropped. */
export interface Comment {
  text: string;
  line: number;
}

/** One instruction, split into the words that its name asks for; nothing is checked or expanded yet. */
export interface Node {
  /** Upper case. */
  name: string;
  /** The name as it stands in the file. */
  written: string;
  nameRange: Range;
  /** The whole instruction, here-documents included. */
  range: Range;
  /** As written, continuation lines joined, comments dropped. */
  text: string;
  line: LogicalLine;
  flags: Word[];
  words: Word[];
  /** ENV and LABEL. */
  pairs: Pair[];
  /** Written as a JSON array. */
  json: boolean;
  heredocs: Heredoc[];
  /** The comment lines directly above it, without directives. */
  comments: readonly Comment[];
  /** ONBUILD's instruction. */
  trigger?: Node;
}

/** Range of a part of a word; the whole word where its text is no longer what stands in the file. */
export function rangeWithin(node: Node, word: Word, start: number, end: number): Range {
  const raw = node.line.text.slice(word.start, word.start + word.text.length);
  return raw === word.text ? node.line.range(word.start + start, word.start + end) : word.range;
}

/**
 * Writes another name into the variable that begins at `start` of a word (`$NAME`, `${NAME...`); undefined where the word's
 * text is no longer what stands in the file.
 */
export function nameEdit(node: Node, word: Word, start: number, name: string, text: string): Edit | undefined {
  const from = start + (word.text[start + 1] === '{' ? 2 : 1);
  const raw = node.line.text.slice(word.start, word.start + word.text.length);
  if (raw !== word.text || word.text.slice(from, from + name.length) !== name) return undefined;
  return { range: rangeWithin(node, word, from, from + name.length), text };
}

/** From the first range to the last. */
export function spanning(first: Range, last: Range): Range {
  return { line: first.line, column: first.column, endLine: last.endLine, endColumn: last.endColumn };
}
