import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../images/digest.ts';
import type { CleanupCondition, CleanupPolicy } from '../repositories/repository.ts';
import { describeVerdict } from './describe-verdict.ts';
import { type CleanupCase, type CleanupVersion, judgeVersions } from './retention.ts';

const DAY = 86_400;
const NOW = 100 * DAY * 1000;

/** A version of so many days ago. */
function version(text: string, days: number, more: Partial<CleanupVersion> = {}): CleanupVersion {
  return { digest: digestOf(text), tags: [], children: [], renewedAt: NOW - days * DAY * 1000, ...more };
}

function reasons(versions: CleanupVersion[], policies: CleanupPolicy[], more: Partial<CleanupCase> = {}): string[] {
  const verdicts = judgeVersions({ image: 'api', versions, policies, immutableTags: false, now: NOW, ...more });
  return verdicts.map(describeVerdict);
}

function deletes(condition: CleanupCondition): CleanupPolicy {
  return { id: 'old', action: 'delete', condition };
}

function keeps(condition: CleanupCondition): CleanupPolicy {
  return { id: 'good', action: 'keep', condition };
}

const EVERYTHING = deletes({ tagState: 'any' });
const GONE = 'deleted by policy old';
const NOT_MEANT = 'no policy deletes it';

it('counts the age of what a remote repository keeps from its last pull, and lets no policy take a digest that is in use', () => {
  const day = (days: number) => NOW - days * DAY * 1000;
  const versions = [
    version('pulled by tag', 90, { lastPulled: day(2) }),
    version('pulled long ago', 90, { lastPulled: day(60) }),
    version('pinned', 90, { lastPulled: day(20), pinnedAt: day(20) }),
    version('pinned once', 90, { lastPulled: day(60), pinnedAt: day(60) }),
  ];
  expect(reasons(versions, [deletes({ olderThan: 10 * DAY })])).toEqual([
    NOT_MEANT,
    GONE,
    'pulled by its digest lately, kept until 1970-04-21T00:00:00.000Z, though policy old would delete it',
    GONE,
  ]);
  expect(reasons(versions.slice(2, 3), [deletes({ tagState: 'untagged' })])[0]).toContain('kept until');
});

describe('cleanup policies', () => {
  it.each<[string, CleanupCondition, string[]]>([
    ['any', { tagState: 'any' }, [GONE, GONE, GONE]],
    ['tagged', { tagState: 'tagged' }, [GONE, GONE, NOT_MEANT]],
    ['untagged', { tagState: 'untagged' }, [NOT_MEANT, NOT_MEANT, GONE]],
    ['tag prefixes', { tagPrefixes: ['pr-', 'dev-'] }, [GONE, NOT_MEANT, NOT_MEANT]],
    ['version prefixes', { versionNamePrefixes: [digestOf('release').slice(0, 20)] }, [NOT_MEANT, GONE, NOT_MEANT]],
    ['image prefixes', { packageNamePrefixes: ['ap'] }, [GONE, GONE, GONE]],
    ['other image prefixes', { packageNamePrefixes: ['web'] }, [NOT_MEANT, NOT_MEANT, NOT_MEANT]],
    ['older than', { olderThan: 10 * DAY }, [NOT_MEANT, GONE, GONE]],
    ['newer than', { newerThan: 10 * DAY }, [NOT_MEANT, NOT_MEANT, NOT_MEANT]],
    ['and', { tagState: 'tagged', olderThan: 5 * DAY, tagPrefixes: ['v'] }, [NOT_MEANT, GONE, NOT_MEANT]],
    ['empty lists', { olderThan: 5 * DAY, tagPrefixes: [], packageNamePrefixes: [] }, [GONE, GONE, GONE]],
  ])('select by %s', (_name, condition, expected) => {
    const versions = [
      version('pull request', 10, { tags: ['4f2c1e9', 'pr-7'] }),
      version('release', 20, { tags: ['v1'] }),
      version('untagged', 30),
    ];
    expect(reasons(versions, [deletes(condition)])).toEqual(expected);
  });

  it('keep what a policy keeps, whatever another one deletes', () => {
    const versions = [version('release', 50, { tags: ['v1'] }), version('other', 50)];
    expect(reasons(versions, [keeps({ tagPrefixes: ['v'] }), EVERYTHING])).toEqual([
      'kept by policy good, though policy old would delete it',
      GONE,
    ]);
  });

  it('keep the newest of each image, with all that belongs to them', () => {
    const versions = [1, 2, 3].flatMap((day) => [
      version(`index ${day}`, day, { children: [digestOf(`amd64 ${day}`), digestOf(`arm64 ${day}`)] }),
      version(`amd64 ${day}`, day),
      version(`arm64 ${day}`, day),
      version(`sbom ${day}`, day, { subject: digestOf(`amd64 ${day}`) }),
      version(`signature ${day}`, 0, { tags: [`${digestOf(`index ${day}`).replace(':', '-')}.sig`] }),
    ]);
    const newest: CleanupPolicy = { id: 'newest', action: 'keep', mostRecent: { keepCount: 2 } };
    const verdicts = judgeVersions({
      image: 'api',
      versions,
      policies: [EVERYTHING, newest],
      immutableTags: false,
      now: NOW,
    });
    expect(verdicts.map((verdict) => verdict.goes)).toEqual([...Array(10).fill(false), ...Array(5).fill(true)]);
    const elsewhere = { ...newest, mostRecent: { keepCount: 2, packageNamePrefixes: ['web'] } };
    expect(reasons(versions, [EVERYTHING, elsewhere])).toEqual(versions.map(() => GONE));
  });

  it('keep the children of an index that stays, and what is attached to what stays', () => {
    const amd64 = version('amd64', 50);
    const index = version('index', 1, { tags: ['v1'], children: [amd64.digest, digestOf('never pushed')] });
    const sbom = version('sbom', 50, { subject: amd64.digest });
    const signature = version('signature', 50, { tags: [`${index.digest.replace(':', '-')}.sig`] });
    const dangling = version('dangling', 50, { subject: digestOf('gone') });
    expect(reasons([amd64, index, sbom, signature, dangling], [deletes({ olderThan: 10 * DAY })])).toEqual([
      `kept by the index ${index.digest}, which stays, though policy old would delete it`,
      NOT_MEANT,
      `attached to ${amd64.digest}, which stays, though policy old would delete it`,
      `attached to ${index.digest}, which stays, though policy old would delete it`,
      GONE,
    ]);
  });

  it('never keep an index for its children, nor an image for what is attached to it', () => {
    const amd64 = version('amd64', 1);
    const index = version('index', 50, { children: [amd64.digest] });
    const signature = version('signature', 1, { subject: index.digest });
    expect(reasons([amd64, index, signature], [deletes({ olderThan: 10 * DAY })])).toEqual([
      NOT_MEANT,
      GONE,
      NOT_MEANT,
    ]);
  });

  it('keep what an immutable tag is on', () => {
    const versions = [version('one', 50, { tags: ['v1'] }), version('two', 50)];
    expect(reasons(versions, [EVERYTHING], { immutableTags: true })).toEqual([
      'kept by the immutable tag v1, though policy old would delete it',
      GONE,
    ]);
  });

  it('name all policies that have a say', () => {
    const policies = [EVERYTHING, { ...EVERYTHING, id: 'older' }, keeps({}), { ...keeps({}), id: 'also' }];
    expect(reasons([version('one', 50)], policies)).toEqual([
      'kept by policy good; kept by policy also, though policies old, older would delete it',
    ]);
  });

  it('take 100,000 versions of one image in their stride', () => {
    const versions = Array.from({ length: 100_000 }, (_, i) => version(`v${i}`, i % 90, { tags: [`t${i}`] }));
    const newest: CleanupPolicy = { id: 'newest', action: 'keep', mostRecent: { keepCount: 10 } };
    const before = process.cpuUsage();
    const verdicts = reasons(versions, [deletes({ olderThan: 30 * DAY }), newest]);
    const { user } = process.cpuUsage(before);
    expect(verdicts.filter((text) => text === GONE)).toHaveLength(65_549);
    expect(user / 1000, 'milliseconds').toBeLessThan(3_000);
  });
});

/** The fields one by one, as the documentation of Artifact Registry tells them. */
function fits(condition: CleanupCondition, image: string, { digest, tags, renewedAt }: CleanupVersion): boolean {
  const one = (prefixes: string[] | undefined, names: string[]) =>
    prefixes === undefined ||
    prefixes.length === 0 ||
    new RegExp(`(^|\n)(${prefixes.join('|')})`).test(names.join('\n'));
  if (condition.tagState === 'tagged' && tags.length === 0) return false;
  if (condition.tagState === 'untagged' && tags.length > 0) return false;
  if (condition.olderThan !== undefined && renewedAt >= NOW - condition.olderThan * 1000) return false;
  if (condition.newerThan !== undefined && renewedAt <= NOW - condition.newerThan * 1000) return false;
  return (
    one(condition.tagPrefixes, tags) &&
    one(condition.versionNamePrefixes, [digest]) &&
    one(condition.packageNamePrefixes, [image])
  );
}

describe('any policies over any versions', () => {
  const prefixes = fc.option(fc.subarray(['v', 'pr-', 'l', 'sha256:', 'api', 'web']), { nil: undefined });
  const age = fc.option(fc.integer({ min: 0, max: 60 * DAY }), { nil: undefined });
  const condition: fc.Arbitrary<CleanupCondition> = fc.record({
    tagState: fc.option(fc.constantFrom('tagged' as const, 'untagged' as const, 'any' as const), { nil: undefined }),
    tagPrefixes: prefixes,
    versionNamePrefixes: prefixes,
    packageNamePrefixes: prefixes,
    olderThan: age,
    newerThan: age,
  });
  const policy: fc.Arbitrary<CleanupPolicy> = fc.oneof(
    fc.record({ id: fc.string(), action: fc.constantFrom('delete' as const, 'keep' as const), condition }),
    fc.record({
      id: fc.string(),
      action: fc.constant('keep' as const),
      mostRecent: fc.record({ keepCount: fc.integer({ min: 1, max: 4 }), packageNamePrefixes: prefixes }),
    }),
  );
  /** Each may name those before it, as digests can. */
  const versions: fc.Arbitrary<CleanupVersion[]> = fc
    .array(
      fc.record({
        days: fc.integer({ min: 0, max: 60 }),
        tags: fc.subarray(['v1', 'latest', 'pr-7']),
        names: fc.array(fc.nat()),
        as: fc.constantFrom('index', 'attachment', 'tagged attachment', 'image'),
      }),
      { maxLength: 12 },
    )
    .map((shapes) =>
      shapes.map(({ days, tags, names, as }, i) => {
        const named = i === 0 ? [] : names.map((name) => digestOf(`version ${name % i}`));
        const [first] = named;
        if (as === 'index') return version(`version ${i}`, days, { tags, children: [...new Set(named)] });
        if (as === 'attachment' && first !== undefined) return version(`version ${i}`, days, { tags, subject: first });
        if (as === 'tagged attachment' && first !== undefined)
          return version(`version ${i}`, days, { tags: [...tags, first.replace(':', '-')] });
        return version(`version ${i}`, days, { tags });
      }),
    );
  const image: fc.Arbitrary<CleanupCase> = fc.record({
    image: fc.constantFrom('api', 'web', 'team/api'),
    versions,
    policies: fc.uniqueArray(policy, { selector: (one) => one.id, maxLength: 5 }),
    immutableTags: fc.boolean(),
    now: fc.constant(NOW),
  });

  it('never delete what a keep policy selects, nor what stands below something that stays', () => {
    fc.assert(
      fc.property(image, (one) => {
        const verdicts = judgeVersions(one);
        const goes = new Set(verdicts.filter((verdict) => verdict.goes).map((verdict) => verdict.version.digest));
        const keepers = one.policies.filter((policy) => policy.action === 'keep');
        for (const version of one.versions) {
          const { digest } = version;
          if (goes.has(digest)) {
            for (const keeper of keepers)
              if ('condition' in keeper) expect(fits(keeper.condition, one.image, version)).toBe(false);
            expect(one.immutableTags && version.tags.length > 0).toBe(false);
            continue;
          }
          for (const child of version.children) expect(goes.has(child)).toBe(false);
          for (const other of one.versions) if (other.subject === digest) expect(goes.has(other.digest)).toBe(false);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('keep at least as many of the newest as asked, if there are so many', () => {
    fc.assert(
      fc.property(image, fc.integer({ min: 1, max: 4 }), (one, keepCount) => {
        const policies: CleanupPolicy[] = [EVERYTHING, { id: 'newest', action: 'keep', mostRecent: { keepCount } }];
        const verdicts = judgeVersions({ ...one, policies });
        const goes = verdicts.filter((verdict) => verdict.goes);
        const named = new Set<Digest>(one.versions.flatMap((version) => version.children));
        const plain = (text: CleanupVersion) =>
          !named.has(text.digest) && text.subject === undefined && !text.tags.some((tag) => tag.startsWith('sha256-'));
        const newest = one.versions.filter(plain).sort((a, b) => b.renewedAt - a.renewedAt);
        const limit = newest[keepCount - 1]?.renewedAt ?? Number.NEGATIVE_INFINITY;
        for (const { version } of goes) if (plain(version)) expect(version.renewedAt).toBeLessThanOrEqual(limit);
        const stays = verdicts.length - goes.length;
        expect(stays).toBeGreaterThanOrEqual(Math.min(keepCount, newest.length));
      }),
      { numRuns: 1_000 },
    );
  });

  it('delete no more with one more policy that keeps', () => {
    fc.assert(
      fc.property(image, condition, (one, extra) => {
        const more: CleanupPolicy = { id: 'one more', action: 'keep', condition: extra };
        const before = judgeVersions(one);
        const after = judgeVersions({ ...one, policies: [...one.policies, more] });
        after.forEach((verdict, i) => {
          if (verdict.goes) expect(before[i]?.goes).toBe(true);
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it('have a reason for every version', () => {
    fc.assert(
      fc.property(image, (one) => {
        for (const verdict of judgeVersions(one)) {
          const text = describeVerdict(verdict);
          expect(text.startsWith('deleted by ')).toBe(verdict.goes);
          expect(text === NOT_MEANT).toBe(verdict.deletedBy.length === 0 && verdict.keptBy.length === 0);
        }
      }),
    );
  });
});
