import { didYouMean, nearest } from '../../lib/nearest.ts';
import type { Range } from '../../lib/problem.ts';
import type { Node } from '../lex/nodes.ts';
import { type Edit, type Fix, fixBy, insertLine } from './fix.ts';
import type { Remark } from './warnings.ts';

export interface UndefinedUse {
  name: string;
  node: Node;
  range: Range;
  /** What writes another name in its place; undefined where the place isn't known so exactly. */
  rename: (name: string) => Edit | undefined;
}

/** What a stage knows when a variable is used in it. */
export interface VisibleNames {
  known: readonly string[];
  /** Declared above the first FROM, but not here. */
  isGlobal: boolean;
}

/** UndefinedVar. */
export function checkUndefined(use: UndefinedUse, { known, isGlobal }: VisibleNames, remark: Remark): void {
  const { name, node, range } = use;
  const suggestion = isGlobal ? '' : didYouMean(name, known).replace('mean ', 'mean $');
  remark(
    'UndefinedVar',
    `Usage of undefined variable '$${name}'${suggestion}`,
    [range],
    fixOf(use, isGlobal, known, node),
  );
}

function fixOf({ name, rename }: UndefinedUse, isGlobal: boolean, known: readonly string[], node: Node): Fix {
  if (isGlobal)
    return {
      text: `ARG ${name} above the first FROM is for FROM lines alone: repeat it in this stage`,
      edits: [insertLine(node.range, `ARG ${name}`)],
    };
  const meant = nearest(name, known);
  if (meant === undefined)
    return {
      text: `Declare it in this stage (ARG ${name}, or ENV ${name}=...), or foresee that it is absent: \${${name}:-}`,
    };
  return fixBy(`Write $${meant}`, rename(meant));
}
