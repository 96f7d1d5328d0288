import { excerpt, placeLabel } from '../lib/problem.ts';
import type { NamedFinding } from './lint.ts';

/** A finding as a compiler prints it: place, severity, message, rule, excerpt, and what to write instead. */
export function renderFinding({ severity, message, place, rule, hint }: NamedFinding): string {
  const lines = [`${placeLabel(place)}: ${severity}: ${message} [${rule}]`];
  const shown = excerpt(place, 0);
  if (shown !== '') lines.push(...shown.split('\n'));
  if (hint !== undefined)
    lines.push(...hint.split('\n').map((line, index) => `${index === 0 ? 'fix: ' : '     '}${line}`));
  return lines.map((line, index) => (index === 0 ? line : `  ${line}`)).join('\n');
}

/** The last line of a report. */
export function countFindings(findings: readonly NamedFinding[], files: number): string {
  if (files === 0) return 'nothing to look at: no cloudbuild.yaml, Dockerfile, ignore file or .gitlab-ci.yml here';
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const parts = [count(errors, 'error'), count(warnings, 'warning')].filter((part) => !part.startsWith('0 '));
  return `${count(files, 'file')}: ${parts.length === 0 ? 'nothing to complain of' : parts.join(', ')}`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
