import { RULES } from '../../../dockerfile/checks/rules.ts';
import type { Warning } from '../../../dockerfile/checks/warnings.ts';
import { excerpt, type Place, type Problem, placeLabel } from '../../../lib/problem.ts';
import { sourceOf } from './error-source.ts';

interface Location {
  sourceIndex: number;
  ranges: { start: { line: number }; end: { line: number } }[];
}

/** What `--check` shows. The names of the fields are BuildKit's. */
export interface LintResults {
  warnings: { ruleName: string; description: string; detail: string; location: Location }[];
  sources: { filename: string; language: string; data: string }[];
  buildError?: { message: string; location: Location };
}

/** @param failed why the file could not be read to its end */
export function lintResults(warnings: readonly Warning[], failed: Problem | undefined): LintResults {
  const [place] = [...warnings.map((warning) => warning.place), ...(failed?.place === undefined ? [] : [failed.place])];
  const source = place === undefined ? undefined : sourceOf(place);
  const at = ({ ranges }: Place): Location => ({
    sourceIndex: source === undefined ? -1 : 0,
    ranges: ranges.map(({ line, endLine }) => ({ start: { line }, end: { line: endLine } })),
  });
  return {
    warnings: warnings.map(({ rule, message, place, fix }) => ({
      ruleName: rule,
      description: RULES[rule].about,
      detail: fix === undefined ? message : `${message}\n${fix.text}`,
      location: at(place),
    })),
    sources: source === undefined ? [] : [{ ...source.info, data: Buffer.from(source.info.data).toString('base64') }],
    ...(failed?.place === undefined ? {} : { buildError: { message: failed.message, location: at(failed.place) } }),
  };
}

/** The same for a client that shows text alone. */
export function lintText(warnings: readonly Warning[], failed: Problem | undefined): string {
  const shown = warnings.map(({ rule, message, place }) => `\nWARNING: ${rule}\n${message}\n${lines(place)}`);
  if (failed !== undefined)
    shown.push(`\nERROR: ${failed.message}\n${failed.place === undefined ? '' : lines(failed.place)}`);
  return shown.length === 0 ? 'Check complete, no warnings found.\n' : shown.join('');
}

function lines(place: Place): string {
  return `${placeLabel(place)}\n${excerpt(place)}\n`;
}
