import { Problem } from '../../lib/problem.ts';
import { type BuildLogEntry, severityOf } from './build-log-entry.ts';

/**
 * Filters of Cloud Logging, as far as they ask for the log of one build: comparisons joined by AND (or standing side by side,
 * which means the same), with parentheses. gcloud sends `logName="projects/P/logs/cloudbuild" AND resource.type="build" AND
 * timestamp>="T" AND resource.labels.build_id="ID"`.
 */
export interface LogFilter {
  /** The value of each comparison by `=` with what belongs to the build as a whole. */
  of: Partial<Record<BuildKey, string>>;
  /** What each entry must pass besides. */
  entry: Comparison[];
}

type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | ':';

interface Comparison {
  key: EntryKey;
  operator: Operator;
  value: string;
}

const BUILD_KEYS = [
  'logName',
  'resource.type',
  'resource.labels.build_id',
  'resource.labels.project_id',
  'resource.labels.build_trigger_id',
] as const;

export type BuildKey = (typeof BUILD_KEYS)[number];

/** What is compared of an entry, and how. */
const ENTRY_KEYS = {
  timestamp: (entry: BuildLogEntry, operator: Operator, value: string) =>
    ordered(entry.timeMicros - microsOf(value), operator),
  severity: (entry: BuildLogEntry, operator: Operator, value: string) =>
    ordered(entry.severity - severityOf(value), operator),
  textPayload: (entry: BuildLogEntry, operator: Operator, value: string) => equals(entry.text, operator, value),
  insertId: (entry: BuildLogEntry, operator: Operator, value: string) => equals(entry.insertId, operator, value),
  'labels.build_step': (entry: BuildLogEntry, operator: Operator, value: string) => equals(entry.step, operator, value),
} satisfies Record<string, (entry: BuildLogEntry, operator: Operator, value: string) => boolean>;

type EntryKey = keyof typeof ENTRY_KEYS;

const MAX_LENGTH = 20_000;
const TOKEN = /\s*(?:([()])|(!=|<=|>=|=~|!~|=|<|>|:)|"((?:[^"\\]|\\.)*)"|([^\s()=!<>":~]+))/y;

type Token = { kind: 'bracket' | 'operator' | 'text' | 'word'; value: string };

/** @throws Problem `invalid` with what can be asked for */
export function parseLogFilter(text: string): LogFilter {
  if (text.length > MAX_LENGTH) throw refused(`the filter is longer than ${MAX_LENGTH} characters`);
  const tokens = tokenise(text);
  const filter: LogFilter = { of: {}, entry: [] };
  let open = 0;
  let comparisons = 0;
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at] as Token;
    if (token.kind === 'bracket') {
      open += token.value === '(' ? 1 : -1;
      if (open < 0) throw refused('")" is one too many');
      at++;
    } else if (token.kind === 'word' && token.value === 'AND') {
      if (comparisons === 0 || at + 1 === tokens.length) throw refused('AND stands between two comparisons');
      at++;
    } else if (token.kind === 'word' && /^(OR|NOT)$/.test(token.value)) {
      throw refused(`${token.value} is not supported`);
    } else {
      compare(filter, token, tokens[at + 1], tokens[at + 2]);
      comparisons++;
      at += 3;
    }
  }
  if (open !== 0) throw refused('a closing parenthesis is missing');
  return filter;
}

function compare(filter: LogFilter, key: Token, operator: Token | undefined, value: Token | undefined): void {
  if (operator?.kind !== 'operator' || (value?.kind !== 'text' && value?.kind !== 'word'))
    throw refused(`expected KEY="value" near ${JSON.stringify(key.value.slice(0, 60))}`);
  if (operator.value === '=~' || operator.value === '!~') throw refused(`${operator.value} is not supported`);
  const name = key.value;
  if (isBuildKey(name)) {
    if (operator.value !== '=') throw refused(`${name} can be compared by = alone`);
    const before = filter.of[name];
    if (before !== undefined && before !== value.value) throw refused(`${name} is compared with two values`);
    filter.of[name] = value.value;
  } else if (Object.hasOwn(ENTRY_KEYS, name)) {
    if (name === 'timestamp') microsOf(value.value);
    if (name === 'severity') severityOf(value.value);
    filter.entry.push({ key: name as EntryKey, operator: operator.value as Operator, value: value.value });
  } else throw refused(`unknown key ${JSON.stringify(name.slice(0, 60))}`);
}

export function matchesEntry(entry: BuildLogEntry, filter: LogFilter): boolean {
  return filter.entry.every(({ key, operator, value }) => ENTRY_KEYS[key](entry, operator, value));
}

function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  const trimmed = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < trimmed.length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(trimmed);
    if (match === null) throw refused(`it can't be read at ${JSON.stringify(trimmed.slice(from, from + 20))}`);
    const [, bracket, operator, quoted, word] = match;
    if (bracket !== undefined) tokens.push({ kind: 'bracket', value: bracket });
    else if (operator !== undefined) tokens.push({ kind: 'operator', value: operator });
    else if (quoted !== undefined) tokens.push({ kind: 'text', value: quoted.replace(/\\(.)/g, '$1') });
    else tokens.push({ kind: 'word', value: word ?? '' });
  }
  return tokens;
}

function isBuildKey(name: string): name is BuildKey {
  return (BUILD_KEYS as readonly string[]).includes(name);
}

function equals(have: string, operator: Operator, want: string): boolean {
  if (operator === ':') return have.toLowerCase().includes(want.toLowerCase());
  if (operator === '=') return have === want;
  if (operator === '!=') return have !== want;
  return ordered(have < want ? -1 : have > want ? 1 : 0, operator);
}

function ordered(difference: number, operator: Operator): boolean {
  switch (operator) {
    case '=':
    case ':':
      return difference === 0;
    case '!=':
      return difference !== 0;
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
  }
}

/** Microseconds since 1970, which JavaScript's own parser would cut off to milliseconds. */
function microsOf(text: string): number {
  const [, whole, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/i.exec(text) ?? [];
  const millis = Date.parse(`${whole}${zone}`);
  if (Number.isNaN(millis))
    throw refused(`${JSON.stringify(text.slice(0, 60))} is no time like "2026-01-31T12:00:00Z"`);
  return millis * 1000 + Math.floor(Number(fraction.padEnd(9, '0')) / 1000);
}

function refused(why: string): Problem {
  return new Problem('invalid', `Unparseable filter: ${why}.`, {
    hint: `Here are the logs of builds: resource.type="build" AND resource.labels.build_id="ID", by AND with ${Object.keys(ENTRY_KEYS).join(', ')}.`,
  });
}
