import { stepLabel } from '../../builds/request/plan.ts';
import type { Rule } from '../rule.ts';

/** What waitFor says and doesn't do; names of no earlier step are the API's complaint already. */
export const waitFor: Rule = {
  name: 'wait-for',
  *check({ configs }) {
    for (const { read } of configs)
      for (const [index, { id, waitFor: names = [] }] of (read?.config.request.steps ?? []).entries()) {
        if (read === undefined || !names.includes('-') || names.length < 2) continue;
        yield {
          severity: 'warning',
          message: `${stepLabel(index, id)} begins at once: "-" beside other steps makes them count for nothing`,
          place: read.config.placeOf(['steps', index, 'waitFor', names.indexOf('-')]),
          hint: `Leave "-" out to wait for ${names.filter((name) => name !== '-').join(', ')}.`,
        };
      }
  },
};
