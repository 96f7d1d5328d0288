import { Problem } from '../lib/problem.ts';
import type { Build } from './build.ts';

/**
 * The filter of builds.list, as gcloud sends it: `status="WORKING" OR status="QUEUED"`,
 * `create_time>"2026-01-01T00:00:00.000Z" AND (status!="SUCCESS" AND tags="foo")`. Plain data, so it can cross a process
 * border. AND binds stronger than OR; words side by side are joined by AND, as AIP-160 has it.
 */
export type BuildFilter =
  | { kind: 'and'; parts: BuildFilter[] }
  | { kind: 'or'; parts: BuildFilter[] }
  | { kind: 'not'; part: BuildFilter }
  | { kind: 'compare'; key: FilterKey; operator: Operator; value: string };

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** What each key reads. A repeated field holds a value when one of its elements equals it. */
const KEYS = {
  build_id: (build: Build) => [build.id],
  id: (build: Build) => [build.id],
  project_id: (build: Build) => [build.projectId],
  status: (build: Build) => [build.status],
  tags: (build: Build) => build.tags ?? [],
  images: (build: Build) => build.images ?? [],
  'results.images.name': (build: Build) => (build.results?.images ?? []).map((image) => image.name),
  'results.images.digest': (build: Build) => (build.results?.images ?? []).map((image) => image.digest),
  'source.storage_source.bucket': (build: Build) => [build.source?.storageSource?.bucket ?? ''],
  'source.storage_source.object': (build: Build) => [build.source?.storageSource?.object ?? ''],
  'source.repo_source.repo_name': (build: Build) => [build.source?.repoSource?.repoName ?? ''],
  'source.repo_source.branch_name': (build: Build) => [build.source?.repoSource?.branchName ?? ''],
  'source.repo_source.tag_name': (build: Build) => [build.source?.repoSource?.tagName ?? ''],
  'source.repo_source.commit_sha': (build: Build) => [build.source?.repoSource?.commitSha ?? ''],
  'source_provenance.resolved_repo_source.commit_sha': (build: Build) => [
    build.sourceProvenance?.resolvedRepoSource?.commitSha ?? '',
  ],
  'options.requested_verify_option': (build: Build) => [build.options.requestedVerifyOption ?? 'NOT_VERIFIED'],
  trigger_id: (build: Build) => [build.buildTriggerId ?? ''],
  create_time: (build: Build) => [build.createTime],
  start_time: (build: Build) => [build.startTime ?? ''],
  finish_time: (build: Build) => [build.finishTime ?? ''],
} satisfies Record<string, (build: Build) => string[]>;

export type FilterKey = keyof typeof KEYS;

/** Deep nesting is an attack, not a question. */
const MAX_DEPTH = 20;
const MAX_LENGTH = 4096;

const TOKEN = /\s*(?:(\()|(\))|(!=|<=|>=|=|<|>|:)|"((?:[^"\\]|\\.)*)"|(-)(?=[("a-zA-Z])|([^\s()=!<>":]+))/y;

type Token = { kind: 'open' | 'close' | 'operator' | 'text' | 'word' | 'minus'; value: string };

/** @throws Problem `invalid` */
export function parseFilter(text: string): BuildFilter | undefined {
  if (text.length > MAX_LENGTH) throw invalid(`filter is longer than ${MAX_LENGTH} characters`);
  const tokens = tokenise(text);
  if (tokens.length === 0) return undefined;
  let at = 0;
  const isWord = (word: string) => tokens[at]?.kind === 'word' && tokens[at]?.value.toUpperCase() === word;

  const any = (depth: number): BuildFilter => {
    if (depth > MAX_DEPTH) throw invalid('filter is nested too deeply');
    const parts = [all(depth)];
    while (isWord('OR')) {
      at++;
      parts.push(all(depth));
    }
    return join('or', parts);
  };
  const all = (depth: number): BuildFilter => {
    const parts = [one(depth)];
    for (;;) {
      if (isWord('AND')) at++;
      else if (at >= tokens.length || tokens[at]?.kind === 'close' || isWord('OR')) return join('and', parts);
      parts.push(one(depth));
    }
  };
  const one = (depth: number): BuildFilter => {
    const token = tokens[at++];
    if (token === undefined) throw invalid('filter ends too early');
    if (token.kind === 'minus' || (token.kind === 'word' && token.value.toUpperCase() === 'NOT'))
      return { kind: 'not', part: one(depth + 1) };
    if (token.kind === 'open') {
      const inner = any(depth + 1);
      if (tokens[at++]?.kind !== 'close') throw invalid('filter lacks a closing parenthesis');
      return inner;
    }
    const [operator, value] = [tokens[at++], tokens[at++]];
    if (token.kind !== 'word' || operator?.kind !== 'operator' || (value?.kind !== 'text' && value?.kind !== 'word'))
      throw invalid(`filter: expected KEY="value" near ${JSON.stringify(token.value)}`);
    return {
      kind: 'compare',
      key: knownKey(token.value),
      operator: (operator.value === ':' ? '=' : operator.value) as Operator,
      value: value.value,
    };
  };
  const filter = any(0);
  if (at < tokens.length) throw invalid(`filter: ${JSON.stringify(tokens[at]?.value)} is one too many`);
  return filter;
}

function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const trimmed = text.trimEnd();
  while (TOKEN.lastIndex < trimmed.length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(trimmed);
    if (match === null) throw invalid(`filter can't be read at ${JSON.stringify(trimmed.slice(from, from + 20))}`);
    const [, open, close, operator, quoted, minus, word] = match;
    if (open !== undefined) tokens.push({ kind: 'open', value: open });
    else if (close !== undefined) tokens.push({ kind: 'close', value: close });
    else if (operator !== undefined) tokens.push({ kind: 'operator', value: operator });
    else if (minus !== undefined) tokens.push({ kind: 'minus', value: minus });
    else if (quoted !== undefined) tokens.push({ kind: 'text', value: quoted.replace(/\\(.)/g, '$1') });
    else tokens.push({ kind: 'word', value: word ?? '' });
  }
  return tokens;
}

function join(kind: 'and' | 'or', parts: BuildFilter[]): BuildFilter {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : { kind, parts };
}

function knownKey(name: string): FilterKey {
  const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (!Object.hasOwn(KEYS, key))
    throw new Problem('invalid', `filter: unknown key ${JSON.stringify(name)}`, {
      hint: `Known keys: ${Object.keys(KEYS).join(', ')}.`,
    });
  return key as FilterKey;
}

function invalid(message: string): Problem {
  return new Problem('invalid', message);
}

export function matchesFilter(build: Build, filter: BuildFilter | undefined): boolean {
  if (filter === undefined) return true;
  if (filter.kind === 'and') return filter.parts.every((part) => matchesFilter(build, part));
  if (filter.kind === 'or') return filter.parts.some((part) => matchesFilter(build, part));
  if (filter.kind === 'not') return !matchesFilter(build, filter.part);
  const have = KEYS[filter.key](build);
  if (filter.operator === '=') return have.includes(filter.value);
  if (filter.operator === '!=') return !have.includes(filter.value);
  return have.some((value) => value !== '' && compares(value, filter.operator, filter.value));
}

function compares(have: string, operator: Operator, want: string): boolean {
  const [a, b] = [Date.parse(have), Date.parse(want)];
  const order = Number.isNaN(a) || Number.isNaN(b) ? (have < want ? -1 : have > want ? 1 : 0) : a - b;
  if (operator === '<') return order < 0;
  if (operator === '<=') return order <= 0;
  return operator === '>' ? order > 0 : order >= 0;
}
