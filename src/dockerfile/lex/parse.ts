import type { Range } from '../../lib/problem.ts';
import type { Fix } from '../checks/fix.ts';
import type { RuleName } from '../checks/rules.ts';
import { Complaint } from '../complaint.ts';
import type { Directives } from './directives.ts';
import { heredocsIn } from './heredoc.ts';
import { continuation, isComment, LogicalLine } from './lines.ts';
import { type Comment, type Node, spanning } from './nodes.ts';
import { splitInstruction } from './split.ts';

/** A remark about the text, before any file is known. */
export interface ParseRemark {
  rule: RuleName;
  message: string;
  ranges: Range[];
  fix?: Fix;
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
  const parser = new Parser(lines, directives);
  const nodes: Node[] = [];
  for (let node = parser.next(); node !== undefined; node = parser.next()) nodes.push(node);
  return { nodes, remarks: parser.remarks };
}

class Parser {
  readonly remarks: ParseRemark[] = [];
  readonly #lines: readonly string[];
  readonly #escape: string;
  #at = 0;

  constructor(lines: readonly string[], directives: Directives) {
    this.#lines = lines;
    this.#escape = directives.escape;
    this.#at = directives.lines;
  }

  next(): Node | undefined {
    let comments: Comment[] = [];
    while (this.#at < this.#lines.length) {
      const physical = this.#lines[this.#at] ?? '';
      if (isComment(physical)) {
        this.#at++;
        comments.push({ text: physical.trim().slice(1).trim(), line: this.#at });
        continue;
      }
      if (physical.trim() === '') {
        this.#at++;
        comments = [];
        continue;
      }
      const { line, emptyLines } = this.#joined();
      if (line.text.trim() !== '') return this.#instruction(line, emptyLines, comments);
    }
    return undefined;
  }

  #instruction(line: LogicalLine, emptyLines: readonly number[], comments: readonly Comment[]): Node {
    let node: Node;
    try {
      node = splitInstruction(line, this.#escape, (rule, message, at, fix) => {
        this.remarks.push({ rule, message, ranges: [at.range], fix });
      });
    } catch (error) {
      if (!(error instanceof Complaint) || error.ranges !== undefined) throw error;
      const { message, hint } = error;
      throw new Complaint(message, { hint, ranges: [line.range(0, line.text.trimEnd().length)] });
    }
    node.comments = comments;
    if (emptyLines.length > 0) this.remarks.push(emptyContinuation(node, emptyLines));
    this.#readHeredocs(node);
    return node;
  }

  /** The logical line that begins here; stands behind it afterwards. */
  #joined(): { line: LogicalLine; emptyLines: number[] } {
    const line = new LogicalLine();
    const emptyLines: number[] = [];
    let open = true;
    for (let first = true; open && this.#at < this.#lines.length; first = false, this.#at++) {
      const physical = this.#lines[this.#at] ?? '';
      if (!first && isComment(physical)) continue;
      const indent = first ? physical.length - physical.trimStart().length : 0;
      const number = this.#at + 1;
      if (!first && physical.trim() === '') {
        emptyLines.push(number);
        continue;
      }
      const text = physical.slice(indent);
      const before = continuation(text, this.#escape);
      line.append(before ?? text, number, indent + 1);
      open = before !== undefined;
    }
    return { line, emptyLines };
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

/** Of an instruction with more empty lines inside, the first ones are enough to find it. */
const SHOWN_LINES = 10;

function emptyContinuation({ name }: Node, numbers: readonly number[]): ParseRemark {
  return {
    rule: 'NoEmptyContinuation',
    message: 'Empty continuation line',
    ranges: numbers.slice(0, SHOWN_LINES).map((line) => ({ line, column: 1, endLine: line, endColumn: 2 })),
    fix: {
      text: `Remove the empty ${numbers.length === 1 ? 'line' : 'lines'} inside ${name}, or begin ${numbers.length === 1 ? 'it' : 'them'} with a #`,
      edits: numbers.map((line) => ({ range: { line, column: 1, endLine: line + 1, endColumn: 1 }, text: '' })),
    },
  };
}
