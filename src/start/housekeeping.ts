import { sweepStandardInputs } from '../cli/standard-input.ts';
import { type PrunedCaches, type PruneLimits, pruneCacheMounts } from '../engine/mounts/prune-caches.ts';
import { SnapshotStore } from '../engine/snapshots/snapshot-store.ts';
import { WebMemory } from '../engine/sources/web-memory.ts';
import { ClockWatch } from '../lib/clock-watch.ts';
import { log } from '../lib/log.ts';
import { messageOf } from '../lib/problem.ts';
import { Collector, type CollectReport } from '../stores/content/collect.ts';
import { LEASE_MS } from '../stores/content/content.ts';
import { runCleanups } from '../stores/registry/run-cleanup.ts';
import type { Owner } from './owner.ts';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
/** After the start, so that housekeeping doesn't slow the first build. */
const FIRST_MS = 10 * 60 * 1000;
/** Unpacked trees and links of broken pushes that nobody used for a day. */
const IDLE_MS = DAY_MS;
/** When a copy of a remote repository was last pulled counts for as long as policies may ask for. */
const PULL_DATES_MS = 5 * 365 * DAY_MS;
/** What an address gave the last time is forgotten when no build asked for so long: it then costs one download. */
const ADDRESS_IDLE_MS = 30 * DAY_MS;

/** Longer than any key of a delivery tells a repetition. */
const DELIVERY_MS = 8 * DAY_MS;
/** Nobody is told of the state of a commit after so long. */
const REPORT_MS = 7 * DAY_MS;

export interface Housekeeper {
  /** As `clean`; a round that is at work is waited for instead. */
  round(): Promise<CollectReport>;
  stop(): Promise<void>;
}

/**
 * Rounds every hour, one at a time, until `stop`. After the clock was set they rest for as long as a lease lasts: whoever
 * is in the middle of a push has the time to end it, and a person to set the clock right.
 */
export function startHousekeeping(owner: Owner, expireUploads: () => Promise<void>): Housekeeper {
  const ending = new AbortController();
  const clock = new ClockWatch();
  let running: Promise<CollectReport> | undefined;
  const round = () => {
    running ??= clean(owner, expireUploads, ending.signal).finally(() => {
      running = undefined;
    });
    return running;
  };
  const roundInTime = () => {
    if (clock.evenFor() >= LEASE_MS) return void round();
    log.warn('the clock was set, or the machine slept; what is old will be judged in an hour');
  };
  const first = setTimeout(roundInTime, FIRST_MS);
  const every = setInterval(roundInTime, HOUR_MS);
  return {
    round,
    async stop() {
      clearTimeout(first);
      clearInterval(every);
      ending.abort();
      await running;
    },
  };
}

/**
 * What has outlived its use goes: one round, each part whether or not another failed.
 * @param signal ends what may take minutes, between two of its steps
 */
export async function clean(
  owner: Owner,
  expireUploads: () => Promise<void>,
  signal?: AbortSignal,
): Promise<CollectReport> {
  const now = Date.now();
  let report: CollectReport = { blobs: 0, bytes: 0, strays: 0 };
  const { trashHours, undeleteHours, pushHours, eventDays, sourceDays } = owner.config.retention;
  await attempt('uploads', expireUploads);
  await attempt('cache', async () => {
    const { maxAgeDays, maxBytes } = owner.config.cache;
    await owner.pruneCache({ unusedSince: now - maxAgeDays * DAY_MS, maxBytes });
  });
  await attempt('cache mounts', async () => void (await cleanCacheMounts(owner, {})));
  await attempt('cleanup policies', async () => void (await runCleanups(owner.stores, now, signal)));
  await attempt('deleted images', async () => {
    await owner.stores.registry.forgetDeleted(now - undeleteHours * HOUR_MS);
    await owner.stores.registry.dropEvents(now - eventDays * DAY_MS);
  });
  await attempt('links', async () => void (await owner.stores.registry.dropUnusedLinks(now - pushHours * HOUR_MS)));
  await attempt('dates of pulls', async () => void (await owner.stores.upstream.dropPulls(now - PULL_DATES_MS)));
  await attempt('sources', async () => void (await owner.stores.sources.forget(now - sourceDays * DAY_MS)));
  await attempt('triggers', async () => {
    const { inbox, events, reports } = owner.triggerRows;
    await inbox.forget(now - DELIVERY_MS);
    await events.forget(now - eventDays * DAY_MS);
    await reports.forget(now - REPORT_MS);
  });
  await attempt('snapshots', async () => {
    const snapshots = await SnapshotStore.open(owner.folder.snapshots);
    await snapshots.collect(IDLE_MS, now);
    await new WebMemory(snapshots.folder('fetched')).prune(now - ADDRESS_IDLE_MS);
  });
  await attempt('standard inputs', async () => void (await sweepStandardInputs(owner.folder.builds)));
  await owner.removals.with(async () => {
    await attempt('content', async () => {
      const { bin } = owner.place;
      report = await new Collector({ rows: owner.sweep, bin, roots: owner.roots }).collect(signal);
      if (report.blobs > 0) log.info(report, 'collected what nobody keeps');
    });
    await attempt('trash', async () => {
      await owner.trash.empty(now - trashHours * HOUR_MS);
      await owner.place.empty(now - trashHours * HOUR_MS);
    });
  });
  return report;
}

/** Of all projects; what isn't given is as slipway.yaml has it. */
export function cleanCacheMounts(
  owner: Owner,
  limits: { [K in keyof PruneLimits]?: PruneLimits[K] | undefined },
): Promise<PrunedCaches> {
  const { mountMaxBytes, mountMaxAgeDays } = owner.config.cache;
  const { idleMs = mountMaxAgeDays * DAY_MS, maxBytes = mountMaxBytes } = limits;
  return pruneCacheMounts(owner.folder.snapshots, { idleMs, maxBytes }, Date.now());
}

async function attempt(part: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error({ part, error: messageOf(error) }, 'housekeeping failed; it tries again in an hour');
  }
}
