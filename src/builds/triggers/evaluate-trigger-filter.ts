import { Problem } from '../../lib/problem.ts';
import { passesFilter } from '../trigger-filter/evaluate-filter.ts';
import { parseFilter } from '../trigger-filter/parse-filter.ts';
import type { Decision } from './decide.ts';
import type { Payload } from './payload-bindings.ts';
import { boundSubstitutions } from './start-build.ts';
import type { TriggerRecord } from './triggers.ts';

/** Whether a payload starts a webhook trigger's build: its filter sees the substitutions, and the payload itself. */
export function evaluateFilter(record: TriggerRecord, payload: Payload): Decision {
  const { trigger } = record;
  if (trigger.disabled) return { build: false, reason: 'the trigger is disabled' };
  if (trigger.filter === undefined || trigger.filter === '') return { build: true };
  try {
    if (passesFilter(parseFilter(trigger.filter), { ...payload, ...boundSubstitutions(record, payload) }))
      return { build: true };
    return { build: false, reason: `the filter ${trigger.filter} says no` };
  } catch (error) {
    if (error instanceof Problem) return { build: false, reason: error.message };
    throw error;
  }
}
