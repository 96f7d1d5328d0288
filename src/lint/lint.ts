import { type Place, placeLabel } from '../lib/problem.ts';
import type { Finding } from './finding.ts';
import type { LintProject } from './project/project.ts';
import { RULES } from './rules.ts';

export interface NamedFinding extends Finding {
  rule: string;
}

/** All findings, in the order of files and lines; two rules that say the same of the same place are heard once. */
export function lint(project: LintProject): NamedFinding[] {
  const seen = new Set<string>();
  const findings: NamedFinding[] = [];
  for (const { name, check } of RULES)
    for (const finding of check(project)) {
      const key = `${placeLabel(finding.place)} ${finding.message}`;
      if (seen.has(key)) continue;
      seen.add(key);
      findings.push({ ...finding, rule: name });
    }
  return findings.sort((a, b) => comparePlaces(a.place, b.place));
}

function comparePlaces(a: Place, b: Place): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  const [first] = a.ranges;
  const [second] = b.ranges;
  return (first?.line ?? 0) - (second?.line ?? 0) || (first?.column ?? 0) - (second?.column ?? 0);
}
