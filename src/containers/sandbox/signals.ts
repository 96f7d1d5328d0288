import { constants } from 'node:os';
import { Problem } from '../../lib/problem.ts';

/** The first two real-time signals belong to the C library (signal(7)). */
const RTMIN = 34;
const RTMAX = 64;

/**
 * The number of `SIGTERM`, `term`, `15`, `RTMIN+3`.
 * @throws Problem `invalid` in docker's words
 */
export function signalNumber(text: string): number {
  const invalid = () => new Problem('invalid', `Invalid signal: ${text}`);
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number < 1 || number > RTMAX) throw invalid();
    return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const [, base, sign, distance] = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name) ?? [];
  if (base !== undefined) {
    const number = (base === 'MIN' ? RTMIN : RTMAX) + Number(`${sign ?? ''}${distance ?? 0}`);
    if (number < RTMIN || number > RTMAX) throw invalid();
    return number;
  }
  const found = Object.entries(constants.signals).find(([known]) => known === `SIG${name}`)?.[1];
  if (found === undefined) throw invalid();
  return found;
}
