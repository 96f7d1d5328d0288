import { Complaint } from '../complaint.ts';
import type { Node, Word } from '../lex/nodes.ts';
import { atLeastOne, commandOf } from './counts.ts';
import { parseDuration } from './duration.ts';
import { Flags } from './flags.ts';
import type { HealthcheckInstruction } from './instruction.ts';

/** Docker's container.MinimumDuration, in nanoseconds. */
const MINIMUM = 1_000_000;

export function parseHealthcheck(node: Node): HealthcheckInstruction {
  const flags = new Flags(node, {
    interval: 'text',
    timeout: 'text',
    'start-period': 'text',
    'start-interval': 'text',
    retries: 'text',
  });
  const [type, ...rest] = atLeastOne(node);
  const base = { kind: 'healthcheck', node } as const;
  if (type?.text.toUpperCase() === 'NONE') {
    if (rest.length > 0) throw new Complaint('HEALTHCHECK NONE takes no arguments');
    return base;
  }
  if (type?.text.toUpperCase() !== 'CMD')
    throw new Complaint(`Unknown type ${JSON.stringify(type?.text.toUpperCase())} in HEALTHCHECK (try CMD)`, {
      ranges: type === undefined ? undefined : [type.range],
    });
  if (rest.length === 0) throw new Complaint('Missing command after HEALTHCHECK CMD');
  return {
    ...base,
    command: commandOf(node.json, rest),
    ...given('interval', duration(flags, 'interval')),
    ...given('timeout', duration(flags, 'timeout')),
    ...given('startPeriod', duration(flags, 'start-period')),
    ...given('startInterval', duration(flags, 'start-interval')),
    ...given('retries', retries(flags.text('retries'))),
  };
}

function given<K extends string>(key: K, value: number | undefined): { [key in K]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: number });
}

/** Nanoseconds; 0 means the runtime's default. */
function duration(flags: Flags, name: string): number | undefined {
  const word = flags.text(name);
  if (word === undefined) return undefined;
  const value = parseDuration(word.text);
  const at = { ranges: [word.range] };
  if (value === undefined)
    throw new Complaint(`invalid duration ${JSON.stringify(word.text)} for --${name}`, {
      ...at,
      hint: 'A duration is a number with a unit: 500ms, 30s, 1m30s, 2h.',
    });
  if (value < 0) throw new Complaint(`--${name} can't be negative: ${word.text}`, at);
  if (value > 0 && value < MINIMUM) throw new Complaint(`Interval ${JSON.stringify(name)} cannot be less than 1ms`, at);
  return value;
}

function retries(word: Word | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (!/^[0-9]{1,9}$/.test(word.text))
    throw new Complaint(`--retries must be a whole number that isn't negative, not ${JSON.stringify(word.text)}`, {
      ranges: [word.range],
    });
  return Number(word.text);
}
