import type { PairsInstruction, TextInstruction } from '../instructions/instruction.ts';
import type { Pair } from '../lex/nodes.ts';
import { type Edit, fixBy } from './fix.ts';
import type { Remark } from './warnings.ts';

/** MaintainerDeprecated. */
export function checkMaintainer({ node, value }: TextInstruction, remark: Remark): void {
  const label = `LABEL org.opencontainers.image.authors=${quoted(value.text)}`;
  remark('MaintainerDeprecated', 'Maintainer instruction is deprecated in favor of using label', [node.range], {
    text: 'Write a label',
    edits: [{ range: node.range, text: label }],
  });
}

/** LegacyKeyValueFormat: `ENV key the rest of the line`. */
export function checkLegacyPair({ node, pairs }: PairsInstruction, remark: Remark): void {
  const [pair] = pairs;
  if (pair === undefined || pair.separator !== '') return;
  remark(
    'LegacyKeyValueFormat',
    `"${node.name} key=value" should be used instead of legacy "${node.name} key value" format`,
    [node.range],
    fixBy(`Write ${node.name} ${pair.key.text}=VALUE, with quotes around a value that has blanks`, modernPair(pair)),
  );
}

/** Quotes and escapes of the value would mean something else between quotes, so only a plain one is rewritten. */
function modernPair({ key, value }: Pair): Edit | undefined {
  if (/["'\\`]/.test(value.text) || value.range.line !== key.range.line || value.range.endLine !== key.range.line)
    return undefined;
  const text = /\s/.test(value.text) ? `"${value.text}"` : value.text;
  return {
    range: { ...key.range, endLine: value.range.endLine, endColumn: value.range.endColumn },
    text: `${key.text}=${text}`,
  };
}

function quoted(text: string): string {
  return `"${text.replace(/["\\$]/g, '\\$&')}"`;
}
