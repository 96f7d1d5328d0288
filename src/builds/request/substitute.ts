import { nearest } from '../../lib/nearest.ts';
import { type Place, Problem } from '../../lib/problem.ts';
import { expandDynamic } from './dynamic-values.ts';
import { type FieldPath, formatPath } from './field-path.ts';
import type { BuildRequest } from './request.ts';

/** What the server knows of a build before it runs. */
export interface BuiltIns extends TriggerValues {
  PROJECT_ID: string;
  PROJECT_NUMBER: string;
  LOCATION: string;
  BUILD_ID: string;
}

/** Built-ins that only triggers fill; a manual build may set them by --substitutions, else they are empty. */
const OVERRIDABLE = ['REPO_NAME', 'BRANCH_NAME', 'TAG_NAME', 'REVISION_ID', 'COMMIT_SHA', 'SHORT_SHA'] as const;
const TRIGGER_ONLY = [
  'TRIGGER_NAME',
  'REPO_FULL_NAME',
  'REF_NAME',
  'TRIGGER_BUILD_CONFIG_PATH',
  'SERVICE_ACCOUNT_EMAIL',
  'SERVICE_ACCOUNT',
] as const;

/** Built-ins that an event fills. */
export type TriggerValues = Partial<Record<(typeof OVERRIDABLE | typeof TRIGGER_ONLY)[number], string>>;

/** Limits of the hosted service (its quotas page); the archived local builder had 100 keys. */
const MAX_SUBSTITUTIONS = 200;
const MAX_KEY = 100;
const MAX_VALUE = 4000;

const USER_KEY = /^_[A-Z0-9_]+$/;
/** `$$`, `$NAME` or `${NAME}`; the longest name wins, and `$(`, `$1`, `$lower` are none. */
const TEMPLATE = /\$(?:(\$)|([A-Z_][A-Z0-9_]*)|\{([A-Z_][A-Z0-9_]*)\})/g;

const DATA = "invalid value for 'build.substitutions': ";

export interface SubstitutedBuild {
  /** The request as it will run. */
  request: BuildRequest;
  /** Every value that could be named, after dynamic substitutions; empty built-ins are left out. */
  values: Record<string, string>;
  /** Built-ins that a template named and that have no value in this build. */
  empty: string[];
}

/**
 * Expands a request by the API's rules: once, in the fields that the API names, never in `script`, `id` and `timeout`.
 * @throws Problem `invalid` with the API's texts; a place is added when `placeOf` is given
 */
export function substitute(
  request: BuildRequest,
  builtIns: BuiltIns,
  placeOf: (path: FieldPath) => Place | undefined = () => undefined,
): SubstitutedBuild {
  const user = request.substitutions ?? {};
  checkKeys(user, placeOf);
  const values = new Map<string, string>([
    ...Object.entries(user),
    ...Object.entries(builtIns as BuiltIns & Record<string, string>),
  ]);
  const used = new Set<string>();
  if (request.options?.dynamicSubstitutions) expandDynamic(values, Object.keys(user), used, placeOf);
  const loose = request.options?.substitutionOption === 'ALLOW_LOOSE';
  const empty = new Set<string>();

  const expand = (text: string, path: FieldPath): string =>
    text.replace(TEMPLATE, (_, dollar?: string, bare?: string, braced?: string) => {
      if (dollar !== undefined) return '$';
      const key = bare ?? braced ?? '';
      used.add(key);
      const value = values.get(key);
      if (value !== undefined) return value;
      if (isBuiltIn(key)) {
        empty.add(key);
        return '';
      }
      if (!key.startsWith('_')) throw unknownBuiltIn(key, path, placeOf, [...values.keys()]);
      if (loose) return '';
      throw new Problem(
        'invalid',
        `${DATA}key in the template ${JSON.stringify(key)} is not matched in the substitution data; substitutions = ${goMap(user)}`,
        { place: placeOf(path), hint: missingKeyHint(key, [...values.keys()]) },
      );
    });
  const expanded = expandFields(request, expand);
  automap(expanded, values, used);
  const unused = Object.keys(user).filter((key) => !used.has(key));
  if (unused.length > 0 && !loose)
    throw new Problem(
      'invalid',
      DATA +
        unused
          .map((key) => `key ${JSON.stringify(key)} in the substitution data is not matched in the template`)
          .join(';'),
      {
        place: placeOf(['substitutions', unused[0] ?? '']),
        hint: 'Use it in a step, leave it out, or set options.substitutionOption: ALLOW_LOOSE.',
      },
    );
  return { request: expanded, values: Object.fromEntries(values), empty: [...empty] };
}

function isBuiltIn(key: string): boolean {
  return [...OVERRIDABLE, ...TRIGGER_ONLY].some((name) => name === key);
}

function checkKeys(user: Record<string, string>, placeOf: (path: FieldPath) => Place | undefined): void {
  const keys = Object.keys(user);
  const refuse = (message: string, key?: string, hint?: string) => {
    const path = key === undefined ? ['substitutions'] : ['substitutions', key];
    throw new Problem('invalid', message, { place: placeOf(path), hint });
  };
  if (keys.length > MAX_SUBSTITUTIONS)
    refuse(`${DATA}number of substitutions ${keys.length} exceeded (max: ${MAX_SUBSTITUTIONS})`);
  for (const key of keys) {
    if (key.length > MAX_KEY) refuse(`${DATA}substitution key ${JSON.stringify(key)} too long (max: ${MAX_KEY})`, key);
    if (!USER_KEY.test(key) && !OVERRIDABLE.some((name) => name === key))
      refuse(
        `invalid .substitutions field: substitution key ${JSON.stringify(key)} does not respect format "^_[A-Z0-9_]+$" and is not an overridable built-in substitutions`,
        key,
        `Names of your own begin with an underscore and are in capitals: _${key.replace(/^_+/, '').toUpperCase()}.`,
      );
    if ((user[key] ?? '').length > MAX_VALUE)
      refuse(`${DATA}substitution value for key ${JSON.stringify(key)} too long (max: ${MAX_VALUE})`, key);
  }
}

function unknownBuiltIn(
  key: string,
  path: FieldPath,
  placeOf: (path: FieldPath) => Place | undefined,
  known: string[],
): Problem {
  const meant = nearest(key, [...known, ...OVERRIDABLE, ...TRIGGER_ONLY]);
  return new Problem(
    'invalid',
    `${DATA}key in the template ${JSON.stringify(key)} is not a valid built-in substitution`,
    {
      place: placeOf(path),
      hint: `In ${formatPath(path).slice(1)}: write $$${key} for a shell variable, $_${key} for a substitution of your own${
        meant === undefined ? '' : `; or did you mean $${meant}?`
      }`,
    },
  );
}

function missingKeyHint(key: string, known: string[]): string {
  const meant = nearest(key, known);
  const begins = known.find((name) => key.startsWith(name));
  if (begins !== undefined)
    return `Names are read as far as they go, so this is ${key}; write \${${begins}}${key.slice(begins.length)} to end it earlier.`;
  return `Add it below substitutions: in the file, or pass --substitutions=${key}=...${
    meant === undefined ? '' : ` Did you mean ${meant}?`
  }`;
}

/** Go's print of a map, which the API's texts contain. */
function goMap(values: Record<string, string>): string {
  const pairs = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([key, value]) => `${key}:${value}`).join(' ')}]`;
}

type Expand = (text: string, path: FieldPath) => string;

/** Every field in which the API expands templates. */
function expandFields(request: BuildRequest, expand: Expand): BuildRequest {
  const text = (value: string | undefined, ...path: FieldPath) =>
    value === undefined ? undefined : expand(value, path);
  const list = (values: string[] | undefined, ...path: FieldPath) =>
    values?.map((value, i) => expand(value, [...path, i]));
  const volumes = (values: { name: string; path: string }[] | undefined, ...path: FieldPath) =>
    values?.map(({ name, path: target }, i) => ({
      name: expand(name, [...path, i, 'name']),
      path: expand(target, [...path, i, 'path']),
    }));
  const { options, artifacts } = request;
  return withoutUndefined({
    ...request,
    steps: request.steps?.map((step, i) =>
      withoutUndefined({
        ...step,
        name: text(step.name, 'steps', i, 'name'),
        args: list(step.args, 'steps', i, 'args'),
        env: list(step.env, 'steps', i, 'env'),
        dir: text(step.dir, 'steps', i, 'dir'),
        entrypoint: text(step.entrypoint, 'steps', i, 'entrypoint'),
        volumes: volumes(step.volumes, 'steps', i, 'volumes'),
      }),
    ),
    images: list(request.images, 'images'),
    tags: list(request.tags, 'tags'),
    logsBucket: text(request.logsBucket, 'logsBucket'),
    serviceAccount: text(request.serviceAccount, 'serviceAccount'),
    options:
      options &&
      withoutUndefined({
        ...options,
        env: list(options.env, 'options', 'env'),
        volumes: volumes(options.volumes, 'options', 'volumes'),
        pool:
          options.pool &&
          withoutUndefined({ ...options.pool, name: text(options.pool.name, 'options', 'pool', 'name') }),
      }),
    artifacts:
      artifacts &&
      withoutUndefined({
        ...artifacts,
        images: list(artifacts.images, 'artifacts', 'images'),
        objects:
          artifacts.objects &&
          withoutUndefined({
            location: text(artifacts.objects.location, 'artifacts', 'objects', 'location'),
            paths: list(artifacts.objects.paths, 'artifacts', 'objects', 'paths'),
          }),
      }),
  });
}

/** automapSubstitutions: every value is an environment variable of the step, unless the step sets it itself. */
function automap(request: BuildRequest, values: Map<string, string>, used: Set<string>): void {
  for (const step of request.steps ?? []) {
    if (!(step.automapSubstitutions ?? request.options?.automapSubstitutions)) continue;
    const own = new Set([...(step.env ?? []), ...(request.options?.env ?? [])].map((pair) => pair.split('=', 1)[0]));
    const mapped = [...values].filter(([key]) => !own.has(key)).map(([key, value]) => `${key}=${value}`);
    step.env = [...mapped, ...(step.env ?? [])];
    for (const key of values.keys()) used.add(key);
  }
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T;
}
