import type { BlobFate, BlobSum } from '../../doors/control/house-wire.ts';
import type { ControlService } from '../../doors/control/routes.ts';
import { type BlobVerdict, Collector, type CollectReport } from '../../stores/content/collect.ts';
import type { Claim } from '../../stores/content/content.ts';
import { backUp } from '../backup.ts';
import { examine } from '../doctor.ts';
import { cleanCacheMounts } from '../housekeeping.ts';
import type { Owner } from '../owner.ts';

const HOUR_MS = 60 * 60 * 1000;

type HouseCalls = Pick<ControlService, 'prune' | 'explainPrune' | 'backup' | 'doctor'>;

/**
 * What keeps the data folder in order.
 * @param clean one round of housekeeping
 */
export function houseCalls(owner: Owner, clean: () => Promise<CollectReport>): HouseCalls {
  return {
    prune: async ({ cache }) => {
      const limits = cache && {
        unusedSince: cache.unusedForMs === undefined ? undefined : Date.now() - cache.unusedForMs,
        maxBytes: cache.keepBytes,
      };
      const records = limits === undefined ? 0 : (await owner.pruneCache(limits)).records;
      const cacheMounts = await cleanCacheMounts(owner, {
        // without limits, whatever no build of the last hour used: as with layers
        idleMs: cache?.unusedForMs === undefined ? undefined : Math.max(cache.unusedForMs, HOUR_MS),
        maxBytes: cache?.keepBytes,
      });
      const { blobs, bytes } = await clean();
      return { blobs, bytes, records, cacheMounts };
    },
    explainPrune: async (_, emit, signal) => {
      const stays: BlobSum = { blobs: 0, bytes: 0 };
      const goes: BlobSum = { blobs: 0, bytes: 0 };
      const collector = new Collector({ rows: owner.sweep, bin: owner.place.bin, roots: owner.roots });
      for await (const page of collector.explain()) {
        signal.throwIfAborted();
        for (const blob of page) {
          const sum = blob.goes ? goes : stays;
          sum.blobs++;
          sum.bytes += blob.size;
        }
        await emit(page.map(fateOf));
      }
      return { stays, goes };
    },
    backup: (request, emit, signal) => backUp(owner, request, emit, signal),
    doctor: (request, emit, signal) => examine(owner, request, emit, signal),
  };
}

function fateOf(verdict: BlobVerdict): BlobFate {
  const { digest, size, goes } = verdict;
  return { digest, size, goes, ...reasonOf(verdict) };
}

/** Of what goes, what had it last; of what stays, the reason that holds longest. */
function reasonOf({ claims, leasedUntil, goes, stray }: BlobVerdict): Pick<BlobFate, 'reason' | 'until'> {
  if (stray) return { reason: 'a file that was never recorded' };
  const lease = leasedUntil === undefined ? [] : [{ by: 'was pushed, pulled or asked for lately', until: leasedUntil }];
  const [longest] = [...claims, ...lease].sort((a, b) => endOf(b) - endOf(a));
  if (longest === undefined) return { reason: 'nobody names it' };
  return goes ? { reason: `${longest.by}, which is over` } : { reason: longest.by, until: longest.until };
}

function endOf({ until }: Pick<Claim, 'until'>): number {
  return until ?? Number.MAX_SAFE_INTEGER;
}
