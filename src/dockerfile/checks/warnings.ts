import type { Place, Range } from '../../lib/problem.ts';
import { placeOf, type Source } from '../complaint.ts';
import type { Fix } from './fix.ts';
import type { CheckPolicy } from './policy.ts';
import type { RuleName } from './rules.ts';

/** A remark that doesn't stop the build. */
export interface Warning {
  rule: RuleName;
  message: string;
  place: Place;
  fix?: Fix | undefined;
}

/** Takes a remark about the words at `ranges`. */
export type Remark = (rule: RuleName, message: string, ranges: Range[], fix?: Fix) => void;

/** Remarks about one file, as far as they are wanted. */
export function remarker(source: Source, policy: CheckPolicy, take: (warning: Warning) => void): Remark {
  return (rule, message, ranges, fix) => {
    if (!policy.reports(rule, ranges[0]?.line)) return;
    take({ rule, message, place: placeOf(source, ...ranges), ...(fix === undefined ? {} : { fix }) });
  };
}
