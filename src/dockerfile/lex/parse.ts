import type { Range } from '../../lib/problem.ts';
import { Complaint } from '../complaint.ts';
import type { Directives } from './directives.ts';
import { heredocsIn } from './heredoc.ts';
import { continuation, isComment, LogicalLine } from './lines.ts';
import { type Node, spanning } from './nodes.ts';
import { splitInstruction } from './split.ts';

/** A remark about the text, before any file is known. */
export interface ParseRemark {
  rule: string;
  message: string;
  range: Range;
}

export interface ParsedText {
  nodes: Node[];
  remarks: ParseRemark[];
}

const WITH_HEREDOCS = new Set(['RUN', 'COPY', 'ADD']);

/**
 * The first stage of the compiler: physical lines (see `physicalLines`) to nodes. Comments between and inside
 * instructions are dropped, continued lines joined, here-documents gathered.
 * @throws Complaint
 */
export function parseLines(lines: readonly string[], directives: Directives): ParsedText {
  const parser = new Parser(lines, directives.escape);
  const nodes: Node[] = [];
  for (let node = parser.next(); node !== undefined; node = parser.next()) nodes.push(node);
  return { nodes, remarks: parser.remarks };
}

class Parser {
  readonly remarks: ParseRemark[] = [];
  readonly #lines: readonly string[];
  readonly #escape: string;
  #at = 0;

  constructor(lines: readonly string[], escapeToken: string) {
    this.#lines = lines;
    this.#escape = escapeToken;
  }

  next(): Node | undefined {
    while (this.#at < this.#lines.length) {
      const physical = this.#lines[this.#at] ?? '';
      if (physical.trim() === '' || isComment(physical)) {
        this.#at++;
        continue;
      }
      const { line, emptyLine } = this.#joined();
      if (line.text.trim() !== '') return this.#instruction(line, emptyLine);
    }
    return undefined;
  }

  #instruction(line: LogicalLine, emptyLine: Range | undefined): Node {
    let node: Node;
    try {
      node = splitInstruction(line, this.#escape, (rule, message, at) => {
        this.remarks.push({ rule, message, range: at.range });
      });
    } catch (error) {
      if (!(error instanceof Complaint) || error.ranges !== undefined) throw error;
      const { message, hint } = error;
      throw new Complaint(message, { hint, ranges: [line.range(0, line.text.trimEnd().length)] });
    }
    if (emptyLine !== undefined)
      this.remarks.push({
        rule: 'NoEmptyContinuation',
        message: `Empty continuation line in ${node.name}: it will be an error in a later version of the language`,
        range: emptyLine,
      });
    this.#readHeredocs(node);
    return node;
  }

  /** The logical line that begins here; stands behind it afterwards. */
  #joined(): { line: LogicalLine; emptyLine: Range | undefined } {
    const line = new LogicalLine();
    let emptyLine: Range | undefined;
    let open = true;
    for (let first = true; open && this.#at < this.#lines.length; first = false, this.#at++) {
      const physical = this.#lines[this.#at] ?? '';
      if (!first && isComment(physical)) continue;
      const indent = first ? physical.length - physical.trimStart().length : 0;
      const number = this.#at + 1;
      if (!first && physical.trim() === '') {
        emptyLine ??= { line: number, column: 1, endLine: number, endColumn: 2 };
        continue;
      }
      const text = physical.slice(indent);
      const before = continuation(text, this.#escape);
      line.append(before ?? text, number, indent + 1);
      open = before !== undefined;
    }
    return { line, emptyLine };
  }

  #readHeredocs(node: Node): void {
    const owner = node.name === 'ONBUILD' ? node.trigger : node;
    if (owner === undefined || !WITH_HEREDOCS.has(owner.name) || owner.json) return;
    for (const heredoc of heredocsIn(owner.text)) {
      const first = this.#at;
      let end: number | undefined;
      for (let at = first; at < this.#lines.length && end === undefined; at++) {
        const line = this.#lines[at] ?? '';
        if ((heredoc.chomp ? line.replace(/^\t+/, '') : line) === heredoc.name) end = at;
      }
      if (end === undefined)
        throw new Complaint(`unterminated heredoc: no line is just ${heredoc.name}`, { ranges: [node.range] });
      heredoc.content = this.#lines
        .slice(first, end)
        .map((line) => `${line}\n`)
        .join('');
      this.#at = end + 1;
      owner.heredocs.push(heredoc);
      const last: Range = {
        line: end + 1,
        column: 1,
        endLine: end + 1,
        endColumn: (this.#lines[end] ?? '').length + 1,
      };
      owner.range = spanning(owner.range, last);
      if (owner !== node) node.range = spanning(node.range, last);
    }
  }
}
