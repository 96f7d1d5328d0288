import type { Finding } from './finding.ts';
import type { LintProject } from './project/project.ts';

export interface Rule {
  /** In kebab-case, as it is printed behind a finding. */
  name: string;
  /** Everything that this rule has to say of the project, in any order. */
  check(project: LintProject): Iterable<Finding>;
}
