import type { Digest } from '../../images/digest.ts';
import { log } from '../../lib/log.ts';
import { messageOf } from '../../lib/problem.ts';
import type { RepositoryReader } from '../repositories/repositories.ts';
import { type Repository, repositoryPath } from '../repositories/repository.ts';
import { parseRepositoryKey } from './name.ts';
import type { RegistryStore } from './registry.ts';
import { type CleanupVerdict, type CleanupVersion, judgeVersions } from './retention.ts';

/** What of the registry a cleanup needs. */
export type CleanupRegistry = Pick<RegistryStore, 'repositories' | 'versions' | 'deleteVersions'>;

export interface CleanupReport {
  /** Versions of images that were looked at. */
  judged: number;
  deleted: number;
}

/** Rows of one page; a page is read in some ten milliseconds. */
const PAGE = 500;
/** Versions of one transaction, for which everybody else waits. */
const DELETED_AT_ONCE = 50;

/** Applies the policies of all repositories that have some and don't only try them. */
export async function runCleanups(
  stores: { registry: CleanupRegistry; repositories: Pick<RepositoryReader, 'list'> },
  now: number,
  signal?: AbortSignal,
): Promise<CleanupReport> {
  const report: CleanupReport = { judged: 0, deleted: 0 };
  for (const repository of await stores.repositories.list()) {
    if (repository.cleanupPolicies.length === 0 || repository.cleanupDryRun) continue;
    try {
      const { judged, deleted } = await runCleanup(stores.registry, repository, now, signal);
      if (deleted > 0)
        log.info({ repository: repositoryPath(repository), judged, deleted }, 'cleaned up by its policies');
      report.judged += judged;
      report.deleted += deleted;
    } catch (error) {
      // one repository's trouble must not keep the others from being cleaned up
      log.error({ repository: repositoryPath(repository), error: messageOf(error) }, 'its cleanup policies failed');
    }
  }
  return report;
}

/**
 * Applies the policies of one repository, image by image. What changes between the judgement and the deletion stays
 * (`deleteVersions`), and what went can be brought back.
 */
export async function runCleanup(
  registry: CleanupRegistry,
  repository: Repository,
  now: number,
  signal?: AbortSignal,
): Promise<CleanupReport> {
  const report: CleanupReport = { judged: 0, deleted: 0 };
  for await (const { key, verdicts } of explainCleanup(registry, repository, now)) {
    report.judged += verdicts.length;
    for (const { policy, versions } of batches(topDown(verdicts.filter((verdict) => verdict.goes)))) {
      if (signal?.aborted) return report;
      report.deleted += (await registry.deleteVersions(key, versions, `cleanup policy ${policy}`)).length;
    }
    if (signal?.aborted) return report;
  }
  return report;
}

/** The dry run: every version of every image with what happens to it and why; nothing changes. */
export async function* explainCleanup(
  registry: Pick<CleanupRegistry, 'repositories' | 'versions'>,
  repository: Repository,
  now: number,
): AsyncGenerator<{ key: string; image: string; verdicts: CleanupVerdict[] }> {
  const { cleanupPolicies: policies, immutableTags } = repository;
  const prefix = `${repositoryPath(repository)}/`;
  for (let after: string | undefined; ; ) {
    const keys = await registry.repositories({ limit: PAGE, after }, prefix);
    for (const key of keys) {
      const { image } = parseRepositoryKey(key);
      const versions = await allVersions(registry, key);
      yield { key, image, verdicts: judgeVersions({ image, versions, policies, immutableTags, now }) };
    }
    after = keys.at(-1);
    if (after === undefined) return;
  }
}

/** Without what isn't judged: an image may have 100,000 versions, which then take some 50 MB. */
async function allVersions(registry: Pick<CleanupRegistry, 'versions'>, key: string): Promise<CleanupVersion[]> {
  const all: CleanupVersion[] = [];
  for (let after: string | undefined; ; ) {
    const page = await registry.versions(key, { limit: PAGE, after });
    for (const { digest, tags, children, subject, renewedAt, lastPulled, pinnedAt } of page)
      all.push({ digest, tags, children, subject, renewedAt, lastPulled, pinnedAt });
    after = page.at(-1)?.digest;
    if (after === undefined) return all;
    await new Promise(setImmediate); // rows of our own process come without a turn of the event loop
  }
}

/** An index before its children, a subject before what is attached to it: each is then free to go when its turn comes. */
function topDown(verdicts: readonly CleanupVerdict[]): CleanupVerdict[] {
  const going = new Map(verdicts.map((verdict) => [verdict.version.digest, verdict]));
  const below = new Map<Digest, Digest[]>();
  const above = new Map<Digest, number>();
  const connect = (upper: Digest, lower: Digest) => {
    if (upper === lower || !going.has(upper) || !going.has(lower)) return;
    const others = below.get(upper);
    if (others === undefined) below.set(upper, [lower]);
    else others.push(lower);
    above.set(lower, (above.get(lower) ?? 0) + 1);
  };
  for (const { version } of verdicts) {
    for (const child of version.children) connect(version.digest, child);
    if (version.subject !== undefined) connect(version.subject, version.digest);
  }
  const line = verdicts.filter(({ version }) => !above.has(version.digest));
  for (const { version } of line)
    for (const digest of below.get(version.digest) ?? []) {
      const left = (above.get(digest) ?? 0) - 1;
      above.set(digest, left);
      const verdict = going.get(digest);
      if (left === 0 && verdict !== undefined) line.push(verdict);
    }
  return line;
}

/** Runs of the same policy, because a deletion is written down under the name of who did it. */
function* batches(verdicts: readonly CleanupVerdict[]): Generator<{ policy: string; versions: CleanupVersion[] }> {
  let batch: { policy: string; versions: CleanupVersion[] } | undefined;
  for (const { version, deletedBy } of verdicts) {
    const policy = deletedBy[0] ?? '';
    if (batch !== undefined && (batch.policy !== policy || batch.versions.length === DELETED_AT_ONCE)) {
      yield batch;
      batch = undefined;
    }
    batch ??= { policy, versions: [] };
    batch.versions.push(version);
  }
  if (batch !== undefined) yield batch;
}
