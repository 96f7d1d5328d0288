import { posix } from 'node:path';
import type { TextInstruction } from '../instructions/instruction.ts';
import { fixBy } from './fix.ts';
import type { Remark } from './warnings.ts';

/**
 * WorkdirRelativePath, for a WORKDIR with no other above it in the file.
 * @param cwd where the base image stands
 * @param path as written, after substitution
 */
export function checkWorkdir({ node, value }: TextInstruction, path: string, cwd: string, remark: Remark): void {
  if (path.startsWith('/')) return;
  const absolute = posix.resolve('/', cwd, path);
  remark(
    'WorkdirRelativePath',
    `Relative workdir ${JSON.stringify(path)} can have unexpected results if the base image changes`,
    [node.range],
    fixBy(
      `Write where it is: with this base, ${absolute}`,
      path === value.text ? { range: value.range, text: absolute } : undefined,
    ),
  );
}
