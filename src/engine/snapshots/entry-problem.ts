import { diskProblem } from '../../lib/disk-problem.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';

/** What the kernel answers to an entry that no file system can hold, in words. */
const REFUSALS: readonly [codes: string[], words: string][] = [
  [['ENAMETOOLONG'], 'its name or the target of its link is too long'],
  [['ELOOP'], 'too many levels of symbolic links'],
  [['ENOTDIR'], 'something above it is not a folder'],
  [['ENOENT'], 'a link without a target, or one on the way that leads nowhere'],
  [['ERANGE', 'E2BIG', 'ENODATA', 'EINVAL'], 'a name, a time or an attribute that the file system does not take'],
  [['EPERM', 'EXDEV', 'EMLINK'], 'the file system does not take a node or a link of this kind'],
];

/** An entry that can't be unpacked as something a person can understand; bugs of ours unchanged. */
export function entryProblem(error: unknown, name: string, folder: string): unknown {
  const problem = diskProblem(error, folder);
  if (problem instanceof Problem) return problem;
  const refusal = REFUSALS.find(([codes]) => hasErrorCode(error, ...codes));
  if (refusal === undefined) return error;
  return new Problem('invalid', `can't unpack ${JSON.stringify(shortened(name))}: ${refusal[1]}`, {
    hint: 'The layer or archive is broken, or was not made for Linux.',
    cause: error,
  });
}

function shortened(name: string): string {
  return name.length <= 120 ? name : `${name.slice(0, 80)}...${name.slice(-30)}`;
}
