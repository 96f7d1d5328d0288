import type { Range } from '../../lib/problem.ts';
import { lastAtMost } from '../../lib/sorted.ts';
import type { Node } from '../lex/nodes.ts';
import { type CheckOptions, type RuleSet, readCheckOptions } from './options.ts';
import { type RuleName, ruleOf } from './rules.ts';

/** Options of a comment above one instruction: `# check=skip=RULE // reason`. */
interface Exemption {
  range: Range;
  skip: RuleSet;
}

const LOCAL = /^check\s*=\s*(.*)$/i;

/** Which warnings of a file are wanted, and whether they fail the build. */
export class CheckPolicy {
  readonly #options: CheckOptions;
  /** In the order of the file. */
  readonly #exemptions: readonly Exemption[];

  /**
   * @param options of the file, or of the build, which win
   * @throws Complaint for a comment that begins as an exemption and is none
   */
  constructor(options: CheckOptions, nodes: readonly Node[] = []) {
    this.#options = options;
    this.#exemptions = nodes.flatMap((node) => {
      const skip = exemptionOf(node);
      return skip === undefined ? [] : [{ range: node.range, skip }];
    });
  }

  /** A warning fails the build, once all were reported. */
  get fails(): boolean {
    return this.#options.error;
  }

  reports(rule: RuleName, line: number | undefined): boolean {
    const { skip, experimental } = this.#options;
    if (holds(skip, rule)) return false;
    if (ruleOf(rule).experimental && !holds(experimental, rule)) return false;
    if (line === undefined) return true;
    const near = this.#exemptions[lastAtMost(this.#exemptions, line, ({ range }) => range.line)];
    return near === undefined || line > near.range.endLine || !holds(near.skip, rule);
  }
}

function holds(set: RuleSet, rule: RuleName): boolean {
  return set === 'all' || set.has(rule);
}

function exemptionOf({ comments }: Node): RuleSet | undefined {
  for (const { text, line } of comments) {
    const written = LOCAL.exec(text)?.[1];
    if (written === undefined) continue;
    const column = 1;
    return readCheckOptions(written, [{ line, column, endLine: line, endColumn: column + text.length + 2 }]).skip;
  }
  return undefined;
}
