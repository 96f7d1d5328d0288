import { PathPattern } from '../../dockerfile/match.ts';
import type { NameMatcher } from './select.ts';

/** Matches names of a folder one after the other, so that the pattern is read once. @throws Problem `invalid` */
export function nameMatcher(): NameMatcher {
  let last: { text: string; pattern: PathPattern } | undefined;
  return (text, name) => {
    if (last?.text !== text) last = { text, pattern: new PathPattern(text) };
    return last.pattern.matches(name);
  };
}
