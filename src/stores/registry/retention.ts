import type { Digest } from '../../images/digest.ts';
import type { CleanupCondition, CleanupPolicy } from '../repositories/repository.ts';
import { type AttachableVersion, attachmentsOf } from './attachments.ts';

/** What of a version counts when it is judged. */
export interface CleanupVersion extends AttachableVersion {
  children: Digest[];
  /** Milliseconds since 1970: last pushed or brought back. */
  renewedAt: number;
  /** Of what a remote repository keeps: last asked for, and last asked for by its digest. */
  lastPulled?: number | undefined;
  pinnedAt?: number | undefined;
}

/** A digest that somebody pulled stands in a Dockerfile or a manifest of theirs: it stays so long. Milliseconds. */
const PIN_MS = 30 * 24 * 60 * 60 * 1000;

/** One image with everything that decides about its versions. */
export interface CleanupCase {
  /** Its name below the repository: what Artifact Registry calls package. */
  image: string;
  versions: readonly CleanupVersion[];
  policies: readonly CleanupPolicy[];
  immutableTags: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

/** Whether a version goes, and why. It goes when a policy deletes it and nothing keeps it. */
export interface CleanupVerdict {
  version: CleanupVersion;
  goes: boolean;
  /** Policies that would delete it. */
  deletedBy: string[];
  keptBy: KeepReason[];
}

export type KeepReason =
  | { by: 'policy'; id: string }
  | { by: 'immutable-tag'; tag: string }
  /** A remote repository's copy whose digest was pulled lately. */
  | { by: 'pin'; until: number }
  /** An index that stays names it. */
  | { by: 'index'; digest: Digest }
  /** It is attached to something that stays: its subject, or what its tag names. */
  | { by: 'subject'; digest: Digest };

/**
 * Judges all versions of one image by Artifact Registry's rules, in the order given. Keep beats delete; and where
 * those rules would break an image we keep: children of an index that stays, and what is attached to a version that stays.
 */
export function judgeVersions(image: CleanupCase): CleanupVerdict[] {
  const { versions } = image;
  const attachments = attachmentsOf(versions);
  const recent = mostRecent(image, new Set(versions.flatMap(({ digest }) => attachments.get(digest) ?? [])));
  const verdicts = new Map<Digest, CleanupVerdict>();
  for (const version of versions) verdicts.set(version.digest, judgeAlone(image, version, recent));
  const staying = [...verdicts.values()].filter((verdict) => !verdict.goes);
  for (const { version } of staying) {
    const stay = (digest: Digest, reason: KeepReason) => {
      const verdict = verdicts.get(digest);
      if (verdict === undefined || verdict.version === version) return;
      verdict.keptBy.push(reason);
      if (verdict.goes) staying.push(verdict);
      verdict.goes = false;
    };
    for (const child of new Set(version.children)) stay(child, { by: 'index', digest: version.digest });
    for (const attached of attachments.get(version.digest) ?? [])
      stay(attached.digest, { by: 'subject', digest: version.digest });
  }
  return [...verdicts.values()];
}

/** Policies and tags alone, without what other versions do to it. `goes` is for now whether nothing of that keeps it. */
function judgeAlone(
  { image, policies, immutableTags, now }: CleanupCase,
  version: CleanupVersion,
  recent: Map<string, Set<Digest>>,
): CleanupVerdict {
  const deletedBy: string[] = [];
  const keptBy: KeepReason[] = [];
  for (const policy of policies) {
    const selected =
      'mostRecent' in policy
        ? recent.get(policy.id)?.has(version.digest) === true
        : matches(policy.condition, image, version, now);
    if (!selected) continue;
    if (policy.action === 'delete') deletedBy.push(policy.id);
    else keptBy.push({ by: 'policy', id: policy.id });
  }
  const pinnedUntil = (version.pinnedAt ?? Number.NEGATIVE_INFINITY) + PIN_MS;
  if (pinnedUntil > now) keptBy.push({ by: 'pin', until: pinnedUntil });
  if (immutableTags) for (const tag of version.tags) keptBy.push({ by: 'immutable-tag', tag });
  return { version, goes: deletedBy.length > 0 && keptBy.length === 0, deletedBy, keptBy };
}

/** All fields that are given must fit; of a list, one entry is enough. An empty list is as good as none. */
function matches(
  condition: CleanupCondition,
  image: string,
  { digest, tags, renewedAt, lastPulled = renewedAt }: CleanupVersion,
  now: number,
): boolean {
  const { tagState = 'any', tagPrefixes, versionNamePrefixes, packageNamePrefixes, olderThan, newerThan } = condition;
  const age = now - Math.max(renewedAt, lastPulled);
  return (
    (tagState === 'any' || (tagState === 'tagged') === tags.length > 0) &&
    beginWith(tags, tagPrefixes) &&
    beginWith([digest], versionNamePrefixes) &&
    beginWith([image], packageNamePrefixes) &&
    (olderThan === undefined || age > olderThan * 1000) &&
    (newerThan === undefined || age < newerThan * 1000)
  );
}

function beginWith(names: readonly string[], prefixes: readonly string[] | undefined): boolean {
  if (prefixes === undefined || prefixes.length === 0) return true;
  return names.some((name) => prefixes.some((prefix) => name.startsWith(prefix)));
}

/**
 * By policy, the newest versions that it keeps. Children of an index and what is attached to another version don't count:
 * five versions of an image for two platforms are five, not two.
 */
function mostRecent(
  { image, versions, policies }: CleanupCase,
  attached: ReadonlySet<AttachableVersion>,
): Map<string, Set<Digest>> {
  const children = new Set(versions.flatMap((version) => version.children));
  const newest = versions
    .filter((version) => !children.has(version.digest) && !attached.has(version))
    .sort((a, b) => b.renewedAt - a.renewedAt || (a.digest < b.digest ? -1 : 1));
  const kept = new Map<string, Set<Digest>>();
  for (const policy of policies)
    if ('mostRecent' in policy && beginWith([image], policy.mostRecent.packageNamePrefixes))
      kept.set(policy.id, new Set(newest.slice(0, policy.mostRecent.keepCount).map((version) => version.digest)));
  return kept;
}
