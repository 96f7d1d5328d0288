import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import { retry } from '../../lib/retry.ts';
import type { Build } from '../build.ts';
import { projectNumber } from '../project-number.ts';
import type { BuildRequest } from '../request/request.ts';
import type { Submission } from '../submit.ts';
import { configOf, configPaths } from './build-config.ts';
import type { CommitAnswer, CommitQuestion, CommitReader } from './commit-reader.ts';
import type { CommitReports } from './commit-reports.ts';
import { bindPayload, escapeDollars, type Payload } from './payload-bindings.ts';
import type { TriggerSource, TriggerSources } from './trigger-source.ts';
import { type BuiltCommit, repositoryPath, triggerValues } from './trigger-values.ts';
import { contextOf, type TriggerRecord } from './triggers.ts';

export interface StartDeps {
  reader: CommitReader;
  sources: TriggerSources;
  submit(submission: Submission): Promise<Build>;
  /** Where images go that a trigger without region makes of a Dockerfile alone. */
  defaultLocation(): string;
  /** Commits that show how their builds stand. */
  reports: Pick<CommitReports, 'add' | 'fail'>;
  clock: Clock;
}

export interface Start {
  record: TriggerRecord;
  /** For the audit trail. */
  actor: string;
  /** Which commit; absent: what the trigger itself names. */
  at?:
    | { revision: string; ref?: string | undefined; branch?: string | undefined; tag?: string | undefined }
    | undefined;
  /** Folder of the source. */
  dir?: string | undefined;
  /** What a pull request says of itself: beats the file. */
  event?: Record<string, string> | undefined;
  /** What a person sets: beats everything. */
  chosen?: Record<string, string> | undefined;
  payload?: Payload | undefined;
  /** The same for the same event, so that a build is made once. */
  buildId?: string | undefined;
  signal: AbortSignal;
}

/** A server of git that is restarted comes back within seconds. */
const READ_ATTEMPTS = 3;
const READ_DELAY_MS = 1500;

/**
 * A build as a trigger makes it: the config of the commit, its source, its substitutions (file < pull request < trigger <
 * person).
 * @throws Problem: what can't be read, what is wrong with the config
 */
export async function startBuild(start: Start, deps: StartDeps): Promise<Build> {
  const { record, actor, at, signal } = start;
  const { trigger, project, location } = record;
  const source = await deps.sources.ofTrigger(record);
  const wanted = at ?? (source === undefined ? undefined : placeOf(source.ref));
  const paths = configPaths(trigger);
  const elsewhere = await deps.sources.ofConfig(record, source);
  const read = (question: CommitQuestion) => readCommit(question, deps.reader, signal);
  let built: BuiltCommit | undefined;
  let answer: CommitAnswer | undefined;
  if (source !== undefined && wanted !== undefined) {
    const { revision, ref, branch, tag } = wanted;
    answer = await read({ repository: source.address, revision, ref, paths: elsewhere === undefined ? paths : [] });
    built = { commit: answer.commit, branch, tag, url: source.address.url };
  }
  if (elsewhere !== undefined)
    answer = await read({ repository: elsewhere.address, revision: placeOf(elsewhere.ref).revision, paths });
  const config =
    paths.length === 0
      ? undefined
      : configOf(paths, answer?.files ?? [], imageOf(record, built, deps.defaultLocation()));
  const account = `${projectNumber(project)}@cloudbuild.gserviceaccount.com`;
  const request = requestOf(start, config?.request ?? trigger.build ?? {});
  const buildId = start.buildId ?? randomUUID();
  if (source?.connected !== undefined && built !== undefined)
    await deps.reports.add({
      build: buildId,
      repository: source.connected,
      commit: built.commit,
      ref: built.branch ?? built.tag,
      context: contextOf(record),
      at: deps.clock.now(),
    });
  const submission: Submission = {
    request:
      source === undefined || built === undefined
        ? request
        : { ...request, source: sourceOf(source, built.commit, start.dir) },
    project,
    location,
    actor,
    trigger: {
      id: trigger.id,
      values: triggerValues(trigger, built, config?.path, account),
      approvalRequired: trigger.approvalConfig?.approvalRequired ?? false,
      buildId,
    },
  };
  try {
    return await deps.submit(submission);
  } catch (error) {
    await deps.reports.fail(buildId, messageOf(error));
    throw error instanceof Problem && config !== undefined ? inFile(error, config.path) : error;
  }
}

/** What is wrong with a build came from its file. */
function inFile(problem: Problem, path: string): Problem {
  const { code, message, place, hint } = problem;
  return new Problem(code, `${path}: ${message}`, { place, hint, cause: problem });
}

/** Of the trigger's own substitutions, with what the payload has in place of their bindings. */
export function boundSubstitutions(
  { trigger }: TriggerRecord,
  payload: Payload,
  literal?: (text: string) => string,
): Record<string, string> {
  const bound = Object.entries(trigger.substitutions ?? {}).map(([key, value]) => [
    key,
    bindPayload(value, payload, literal),
  ]);
  return Object.fromEntries(bound) as Record<string, string>;
}

/** One id for one event and trigger, in the form of a UUID (RFC 9562, version 8). */
export function buildIdFor(...parts: readonly string[]): string {
  const hex = createHash('sha256').update(parts.join('\n')).digest('hex');
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function requestOf({ record, event, chosen, payload = {} }: Start, config: BuildRequest): BuildRequest {
  const substitutions = {
    ...config.substitutions,
    ...event,
    ...boundSubstitutions(record, payload, escapeDollars),
    ...chosen,
  };
  const tags = [...(config.tags ?? []), `trigger-${record.trigger.id}`];
  return { ...config, tags, ...(Object.keys(substitutions).length === 0 ? {} : { substitutions }) };
}

function sourceOf(
  { connected, address }: TriggerSource,
  commit: string,
  dir: string | undefined,
): BuildRequest['source'] {
  const within = dir === undefined || dir === '' ? {} : { dir };
  return connected === undefined
    ? { gitSource: { url: address.url, revision: commit, ...within } }
    : { connectedRepository: { repository: connected, revision: commit, ...within } };
}

/** `refs/heads/main` and its branch; a bare name is a branch, a hash is itself. */
export function placeOf(ref: string | undefined): NonNullable<Start['at']> {
  if (ref === undefined || ref === '') return { revision: 'HEAD' };
  if (ref.startsWith('refs/heads/')) return { revision: ref, branch: ref.slice('refs/heads/'.length) };
  if (ref.startsWith('refs/tags/')) return { revision: ref, tag: ref.slice('refs/tags/'.length) };
  if (ref.startsWith('refs/') || /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(ref)) return { revision: ref };
  return { revision: `refs/heads/${ref}`, branch: ref };
}

/** Names of images are in small letters, whatever the repository is called. */
function imageOf({ project, location }: TriggerRecord, built: BuiltCommit | undefined, fallback: string): string {
  const name =
    repositoryPath(built?.url ?? '')
      .split('/')
      .at(-1) ?? '';
  const image =
    name
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[._-]+|[._-]+$/g, '') || 'image';
  return `${location === 'global' ? fallback : location}-docker.pkg.dev/${project}/triggers/${image}:${built?.commit ?? 'latest'}`;
}

function readCommit(question: CommitQuestion, reader: CommitReader, signal: AbortSignal): Promise<CommitAnswer> {
  return retry(() => reader.read(question, signal), {
    attempts: READ_ATTEMPTS,
    delay: READ_DELAY_MS,
    signal,
    retryable: (error) => error instanceof Problem && error.code === 'unavailable' && !REFUSED.test(error.message),
  });
}

/** What git says when a second try would say the same. */
const REFUSED =
  /Authentication failed|could not read Username|not found|couldn't find remote ref|Needed a single revision/i;
