import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/images/digest.ts';
import type { UpstreamRows } from '../../src/stores/upstream/rows.ts';

export interface UpstreamUnderTest {
  rows: UpstreamRows;
  /** The rows' clock, in milliseconds since 1970. */
  clock: { at: number };
  close(): Promise<void>;
}

/** What every store of sightings, quotas and pulls does. */
export function upstreamSuite(name: string, open: () => Promise<UpstreamUnderTest>): void {
  const python = { host: 'docker.io', repository: 'library/python', tag: '3.11' };
  const [first, second] = [digestOf('first'), digestOf('second')];

  describe(`upstream rows: ${name}`, () => {
    let under: UpstreamUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.close());
    const note = (at: number, digest = first) => {
      under.clock.at = at;
      return under.rows.noteTag(python, digest);
    };

    it('joins looks that found the same digest, and begins anew with another', async () => {
      const { rows } = under;
      expect(await rows.latest(python)).toBeUndefined();
      await note(10);
      await note(20);
      await note(30, second);
      await note(40);
      expect(await rows.seen(python)).toEqual([
        { digest: first, firstSeen: 40, lastSeen: 40 },
        { digest: second, firstSeen: 30, lastSeen: 30 },
        { digest: first, firstSeen: 10, lastSeen: 20 },
      ]);
      expect(await rows.latest(python)).toEqual({ digest: first, firstSeen: 40, lastSeen: 40 });
      expect(await rows.seen({ ...python, tag: '3.12' })).toEqual([]);
    });

    it('takes no look back when the clock goes back', async () => {
      await note(20);
      await note(10);
      expect(await under.rows.latest(python)).toEqual({ digest: first, firstSeen: 20, lastSeen: 20 });
    });

    it('keeps the date on which a tag was found to be gone, and begins anew when it is back', async () => {
      const { rows, clock } = under;
      await rows.noteVanished(python);
      expect(await rows.seen(python)).toEqual([]);
      await note(10);
      clock.at = 20;
      await rows.noteVanished(python);
      clock.at = 30;
      await rows.noteVanished(python);
      expect(await rows.latest(python)).toEqual({ digest: first, firstSeen: 10, lastSeen: 10, vanishedAt: 20 });
      await note(40);
      expect(await rows.seen(python)).toHaveLength(2);
    });

    it('knows which tags mean a digest now, and which did once', async () => {
      const { rows } = under;
      await note(10);
      await rows.noteTag({ ...python, tag: 'latest' }, first);
      await rows.noteTag({ ...python, tag: 'gone' }, first);
      await rows.noteVanished({ ...python, tag: 'gone' });
      await rows.noteTag({ ...python, repository: 'library/other' }, first);
      expect(await rows.tagsSeenOn('docker.io', 'library/python', first)).toEqual(['3.11', 'latest']);
      await note(20, second);
      expect(await rows.tagsSeenOn('docker.io', 'library/python', first)).toEqual(['latest']);
      expect(await rows.tagsSeenOn('docker.io', 'library/python', second)).toEqual(['3.11']);
    });

    it('has the last quota of each account', async () => {
      const { rows, clock } = under;
      const quota = {
        host: 'docker.io',
        username: '',
        limit: 100,
        remaining: 90,
        window: 21_600,
        source: '203.0.113.7',
      };
      clock.at = 10;
      await rows.noteQuota(quota);
      clock.at = 20;
      await rows.noteQuota({ ...quota, remaining: 89 });
      await rows.noteQuota({ ...quota, username: 'team', limit: 200, remaining: 200, source: undefined });
      expect(await rows.quotas()).toEqual([
        { ...quota, remaining: 89, seenAt: 20 },
        { host: 'docker.io', username: 'team', limit: 200, remaining: 200, window: 21_600, seenAt: 20 },
      ]);
    });

    it('has the dates of pulls, and of those by digest', async () => {
      const { rows, clock } = under;
      clock.at = 10;
      await rows.notePull('l/p/r/a', first, true);
      clock.at = 20;
      await rows.notePull('l/p/r/a', first, false);
      await rows.notePull('l/p/r/a', second, false);
      expect(
        (await rows.pulls('l/p/r/a', [first, second, digestOf('other')])).sort((a, b) =>
          a.digest < b.digest ? -1 : 1,
        ),
      ).toEqual(
        [
          { digest: first, lastPulled: 20, pinnedAt: 10 },
          { digest: second, lastPulled: 20 },
        ].sort((a, b) => (a.digest < b.digest ? -1 : 1)),
      );
      expect(await rows.pulls('l/p/r/b', [first])).toEqual([]);
      expect(await rows.dropPulls(20)).toBe(0);
      expect(await rows.dropPulls(21)).toBe(2);
    });
  });
}
