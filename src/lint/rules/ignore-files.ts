import { findingOf } from '../finding.ts';
import type { Rule } from '../rule.ts';

/** Ignore files that whoever reads them refuses. */
export const ignoreFiles: Rule = {
  name: 'ignore-file',
  *check({ problems }) {
    for (const problem of problems) yield findingOf(problem, 'error', problem.place?.file ?? '');
  },
};
