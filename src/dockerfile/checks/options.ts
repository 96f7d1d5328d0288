import { didYouMean } from '../../lib/nearest.ts';
import type { Range } from '../../lib/problem.ts';
import { Complaint } from '../complaint.ts';
import { RULE_NAMES } from './rules.ts';

/** Rules by name, or all of them. */
export type RuleSet = ReadonlySet<string> | 'all';

/** What `# check=` says, or the build argument BUILDKIT_DOCKERFILE_CHECK. */
export interface CheckOptions {
  skip: RuleSet;
  /** Experimental rules that are wanted. */
  experimental: RuleSet;
  /** Whether a warning fails the build. */
  error: boolean;
}

interface ReadOptions extends CheckOptions {
  /** Names that are nearly a rule's, with what was probably meant. */
  strange: string[];
}

const FORM = 'Options are skip=RULE,RULE or skip=all, experimental=RULE, and error=true, joined by semicolons.';

/**
 * Reads `skip=A,B;error=true`; what follows `//` is a reason for people. A later option of a kind takes the place of an
 * earlier one.
 * @param ranges where the text stands; absent when it came with the build
 * @throws Complaint
 */
export function readCheckOptions(text: string, ranges: Range[] = []): ReadOptions {
  const options: ReadOptions = { skip: new Set(), experimental: new Set(), error: false, strange: [] };
  const bad = (message: string, hint = FORM) => new Complaint(message, { ranges, hint });
  for (const part of withoutReason(text).split(';')) {
    const equals = part.indexOf('=');
    const key = (equals < 0 ? part : part.slice(0, equals)).trim();
    const value = part.slice(equals + 1).trim();
    if (equals < 0) throw bad(`invalid check option ${JSON.stringify(part.trim())}`);
    if (key === 'skip' || key === 'experimental') options[key] = ruleSet(value, options.strange);
    else if (key !== 'error')
      throw bad(`invalid check option ${JSON.stringify(key)}${didYouMean(key, ['skip', 'experimental', 'error'])}`);
    else if (/^(?:1|t|true)$/i.test(value)) options.error = true;
    else if (/^(?:0|f|false)$/i.test(value)) options.error = false;
    else throw bad(`failed to parse check option ${JSON.stringify(part.trim())}`, 'error takes true or false.');
  }
  return options;
}

function withoutReason(text: string): string {
  const reason = text.indexOf('//');
  return reason < 0 ? text : text.slice(0, reason);
}

/** Rules that nobody knows are let pass, because another version may know them. */
function ruleSet(value: string, strange: string[]): RuleSet {
  const names = value.split(',').map((name) => name.trim());
  if (names.some((name) => name.toLowerCase() === 'all')) return 'all';
  for (const name of names) {
    const meant = didYouMean(name, RULE_NAMES);
    if (meant !== '') strange.push(name + meant);
  }
  return new Set(names);
}
