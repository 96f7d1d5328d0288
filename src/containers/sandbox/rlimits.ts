import { Problem } from '../../lib/problem.ts';
import type { Rlimit } from './process-config.ts';

/** Docker's short names (`--ulimit`), which are those of setrlimit(2). */
const NAMES = 'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
  ' ',
);

/** @throws Problem `invalid` in docker's words */
export function rlimitsOf(ulimits: readonly { name: string; soft: number; hard: number }[]): Rlimit[] {
  return ulimits.map(({ name, soft, hard }) => {
    if (!NAMES.includes(name)) throw new Problem('invalid', `invalid ulimit type: ${name}`);
    if (hard !== -1 && (soft === -1 || soft > hard)) {
      throw new Problem('invalid', `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
    }
    return { type: `RLIMIT_${name.toUpperCase()}`, soft, hard };
  });
}
