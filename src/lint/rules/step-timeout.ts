import { parseDuration } from '../../builds/request/duration.ts';
import { stepLabel } from '../../builds/request/plan.ts';
import type { Rule } from '../rule.ts';

/** A step may be given more time than its build, and never gets it. */
export const stepTimeout: Rule = {
  name: 'step-timeout',
  *check({ configs }) {
    for (const { read } of configs) {
      const { steps = [], timeout } = read?.config.request ?? {};
      const whole = timeout === undefined ? undefined : parseDuration(timeout);
      if (read === undefined || whole === undefined || whole === 0) continue;
      for (const [index, step] of steps.entries()) {
        const own = step.timeout === undefined ? undefined : parseDuration(step.timeout);
        if (own === undefined || own <= whole) continue;
        yield {
          severity: 'warning',
          message: `${stepLabel(index, step.id)} may take ${step.timeout}, but its build ends after ${timeout}`,
          place: read.config.placeOf(['steps', index, 'timeout']),
          hint: `Give the build more: timeout: ${step.timeout}.`,
        };
      }
    }
  },
};
