import { nearest } from '../../lib/nearest.ts';
import { Problem } from '../../lib/problem.ts';
import { isAutomapped } from './automap.ts';
import { type BuiltIns, EVENT_BUILT_INS, isEventBuiltIn } from './built-ins.ts';
import { type Complaint, pathLabel } from './complaint.ts';
import { expandDynamic } from './dynamic-values.ts';
import { expandFields } from './expand-fields.ts';
import { type FieldPath, formatPath } from './field-path.ts';
import type { BuildRequest } from './request.ts';

/** Limits of the hosted service (its quotas page); the archived local builder had 100 keys. */
const MAX_SUBSTITUTIONS = 200;
const MAX_KEY = 100;
const MAX_VALUE = 4000;
/** Characters that all templates of a request may become: a short request could name a long value a million times. */
const MAX_EXPANDED = 16 << 20;

const USER_KEY = /^_[A-Z0-9_]+$/;
/** `$$`, `$NAME` or `${NAME}`; the longest name wins, and `$(`, `$1`, `$lower` are none. */
const TEMPLATE = /\$(?:(\$)|([A-Z_][A-Z0-9_]*)|\{([A-Z_][A-Z0-9_]*)\})/g;

const DATA = "invalid value for 'build.substitutions': ";

/** Values that lost a name to nothing, by path as formatPath writes it: the names. */
export type Emptied = ReadonlyMap<string, readonly string[]>;

export interface SubstitutedBuild {
  /** The request as it will run; texts with a complaint have nothing in its place. */
  request: BuildRequest;
  /** Every value that could be named, after dynamic substitutions; empty built-ins are left out. */
  values: Record<string, string>;
  emptied: Emptied;
  complaints: Complaint[];
}

/**
 * Expands a request by the API's rules: once, and never in `script`, `id` and `timeout`.
 * @throws Problem `invalid` for texts that grow beyond all measure
 */
export function substitute(request: BuildRequest, builtIns: BuiltIns): SubstitutedBuild {
  const user = request.substitutions ?? {};
  const complaints: Complaint[] = [...keyComplaints(user)];
  const values = new Map<string, string>([
    ...Object.entries(user),
    ...Object.entries(builtIns as BuiltIns & Record<string, string>),
  ]);
  const loose = request.options?.substitutionOption === 'ALLOW_LOOSE';
  const used = new Set<string>();
  const emptied = new Map<string, string[]>();

  /** A name in a text: noted as used, complained of when it has no value and needs one. */
  const named = (key: string, path: FieldPath, word: string): string | undefined => {
    used.add(key);
    const value = values.get(key);
    if (value !== undefined) return value;
    if (!isEventBuiltIn(key)) {
      if (!key.startsWith('_')) complaints.push(unknownBuiltIn(key, path, word, [...values.keys()]));
      else if (!loose) complaints.push(missingValue(key, path, word, user, [...values.keys()]));
    }
    const at = formatPath(path);
    emptied.set(at, [...new Set([...(emptied.get(at) ?? []), key])]);
    return undefined;
  };

  if (request.options?.dynamicSubstitutions)
    expandDynamic(values, {
      keys: Object.keys(user),
      named: (key) => used.add(key),
      complain: (complaint) => complaints.push(complaint),
      loose,
    });

  complaints.push(...longValues(Object.keys(user), values));
  let expanded = 0;
  const expand = (text: string, path: FieldPath): string =>
    text.replace(TEMPLATE, (word, dollar?: string, bare?: string, braced?: string) => {
      if (dollar !== undefined) return '$';
      const value = named(bare ?? braced ?? '', path, word) ?? '';
      expanded += value.length;
      if (expanded > MAX_EXPANDED)
        throw new Problem('invalid', `${DATA}the build grows beyond ${MAX_EXPANDED} characters`);
      return value;
    });
  const result = expandFields(request, expand);
  if (!loose && !isAutomapped(request)) complaints.push(...unusedValues(Object.keys(user).filter(isKey), used));
  return { request: result, values: Object.fromEntries(values), emptied, complaints };
}

function isKey(key: string): boolean {
  return USER_KEY.test(key) || isEventBuiltIn(key);
}

function* keyComplaints(user: Record<string, string>): Generator<Complaint> {
  const keys = Object.keys(user);
  if (keys.length > MAX_SUBSTITUTIONS) {
    const path = ['substitutions'];
    yield { path, message: `${DATA}number of substitutions ${keys.length} exceeded (max: ${MAX_SUBSTITUTIONS})` };
    return;
  }
  for (const key of keys) {
    const path = ['substitutions', key];
    if (key.length > MAX_KEY)
      yield { path, message: `${DATA}substitution key ${JSON.stringify(key)} too long (max: ${MAX_KEY})` };
    if (!isKey(key))
      yield {
        path,
        message: `invalid .substitutions field: substitution key ${JSON.stringify(key)} does not respect format "^_[A-Z0-9_]+$" and is not an overridable built-in substitutions`,
        hint: `Names of your own begin with an underscore and are in capitals: _${key.replace(/^_+/, '').toUpperCase()}.`,
      };
  }
}

/** What they have become, where values name others. */
function* longValues(keys: readonly string[], values: ReadonlyMap<string, string>): Generator<Complaint> {
  for (const key of keys)
    if ((values.get(key) ?? '').length > MAX_VALUE)
      yield {
        path: ['substitutions', key],
        message: `${DATA}substitution value for key ${JSON.stringify(key)} too long (max: ${MAX_VALUE})`,
      };
}

function unusedValues(keys: readonly string[], used: ReadonlySet<string>): Complaint[] {
  const unused = keys.filter((key) => !used.has(key));
  const [first] = unused;
  if (first === undefined) return [];
  const named = unused.map(
    (key) => `key ${JSON.stringify(key)} in the substitution data is not matched in the template`,
  );
  return [
    {
      path: ['substitutions', first],
      message: DATA + named.join(';'),
      hint: 'Use it in a step, leave it out, or set options.substitutionOption: ALLOW_LOOSE.',
      kind: 'unused-value',
    },
  ];
}

function unknownBuiltIn(key: string, path: FieldPath, word: string, known: string[]): Complaint {
  const begins = beginning(key, [...known, ...EVENT_BUILT_INS]);
  const meant = nearest(key, [...known, ...EVENT_BUILT_INS]);
  const hint =
    begins !== undefined
      ? greedyHint(key, begins)
      : `In ${pathLabel(path)}: write $$${key} for a shell variable, $_${key} for a substitution of your own${
          meant === undefined ? '' : `; or did you mean $${meant}?`
        }`;
  return {
    path,
    word,
    kind: 'shell-variable',
    message: `${DATA}key in the template ${JSON.stringify(key)} is not a valid built-in substitution`,
    hint,
  };
}

function missingValue(
  key: string,
  path: FieldPath,
  word: string,
  user: Record<string, string>,
  known: string[],
): Complaint {
  const begins = beginning(key, [...known, ...EVENT_BUILT_INS]);
  const meant = nearest(key, known);
  const hint =
    begins !== undefined
      ? greedyHint(key, begins)
      : `Add it below substitutions: in the file, or pass --substitutions=${key}=...${
          meant === undefined ? '' : ` Did you mean ${meant}?`
        }`;
  return {
    path,
    word,
    kind: 'missing-value',
    message: `${DATA}key in the template ${JSON.stringify(key)} is not matched in the substitution data; substitutions = ${goMap(user)}`,
    hint,
  };
}

/** The longest known name that the key goes on from: `_A` of `_A_x`. */
function beginning(key: string, known: readonly string[]): string | undefined {
  return known
    .filter((name) => key.startsWith(name) && key.length > name.length)
    .sort((a, b) => b.length - a.length)[0];
}

function greedyHint(key: string, begins: string): string {
  return `Names are read as far as they go, so this is ${key}; write \${${begins}}${key.slice(begins.length)} to end it earlier.`;
}

/** Go's print of a map, which the API's texts contain. */
function goMap(values: Record<string, string>): string {
  const pairs = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([key, value]) => `${key}:${value}`).join(' ')}]`;
}
