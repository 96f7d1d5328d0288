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

/** Gathers the remarks about one file that are wanted. */
export class Warnings {
  readonly list: Warning[];
  readonly #source: Source;
  readonly #policy: CheckPolicy;

  /** @param list where they are gathered; the caller's own when it wants those before an error, too */
  constructor(source: Source, policy: CheckPolicy, list: Warning[] = []) {
    this.#source = source;
    this.#policy = policy;
    this.list = list;
  }

  readonly add: Remark = (rule, message, ranges, fix) => {
    if (!this.#policy.reports(rule, ranges[0]?.line)) return;
    this.list.push({ rule, message, place: placeOf(this.#source, ...ranges), ...(fix === undefined ? {} : { fix }) });
  };
}
