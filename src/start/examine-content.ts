import type { DoctorLine } from '../doors/control/house-wire.ts';
import { type Digest, shortDigest } from '../images/digest.ts';
import { formatBytes } from '../lib/bytes.ts';
import { type BlobInfo, LEASE_MS } from '../stores/content/content.ts';
import { Named } from './named.ts';
import type { Owner } from './owner.ts';

const HOUR_MS = 60 * 60 * 1000;
/** No lease is taken for longer than a day; an hour is for clocks that differ. */
const LONGEST_LEASE_MS = 25 * HOUR_MS;
/** A file gets its row within a second of its name. */
const SETTLED_MS = 60_000;
/** Blobs are read from rows this many at a time. */
const PAGE = 200;

export interface Examination {
  owner: Owner;
  report(line: DoctorLine): void;
  /** What can be mended without loss is. */
  repair: boolean;
  signal: AbortSignal;
}

/** Recomputes the digest of every blob from its bytes, and looks for files and leases that nobody will miss. */
export async function examineContent(examination: Examination): Promise<void> {
  await examineBlobs(examination);
  await examineStrays(examination);
  await examineLeases(examination);
}

/**
 * A blob with wrong bytes looks as if it were there, so that no client sends it again: it moves to the trash, and its row goes.
 * The row of one without a file goes as well.
 */
async function examineBlobs({ owner, report, repair, signal }: Examination): Promise<void> {
  let blobs = 0;
  let bytes = 0;
  let withdrawn = 0;
  const damaged = new Named();
  for await (const blob of everyBlob(owner)) {
    signal.throwIfAborted();
    const since = Date.now();
    const why = await owner.place.inspect(blob);
    if (why !== undefined && !(await isRecorded(owner, blob.digest))) continue; // collected meanwhile
    blobs++;
    bytes += blob.size;
    if (why === undefined) continue;
    damaged.add(`${shortDigest(blob.digest)} ${why}`);
    if (repair && (await withdraw(owner, blob.digest, since))) withdrawn++;
  }
  if (damaged.count === 0)
    return report({
      check: 'stored bytes',
      ok: true,
      detail: `${blobs} blobs, ${formatBytes(bytes)}: every digest is right`,
    });
  report({
    check: 'stored bytes',
    ok: false,
    detail: `${damaged.count} of ${blobs} blobs are damaged: ${damaged}`,
    ...(repair
      ? { repaired: `${withdrawn} of them count as absent now; what there was of them lies in the trash` }
      : {}),
    remedy: repair
      ? 'Push or pull the images that hold them again.'
      : 'Run slipway doctor --repair, and push or pull the images that hold them again.',
  });
}

function withdraw(owner: Owner, digest: Digest, since: number): Promise<boolean> {
  const { bin } = owner.place;
  return owner.removals.with(() => owner.sweep.withdraw(digest, since, (gone) => bin.discard(gone, Date.now())));
}

/** Files that a crash left without a row. They are no damage: whoever asks for one gets it, and else it goes after a day. */
async function examineStrays({ owner, report, repair, signal }: Examination): Promise<void> {
  let strays = 0;
  let bytes = 0;
  let adopted = 0;
  for await (const files of owner.place.bin.stored(Date.now() - SETTLED_MS)) {
    signal.throwIfAborted();
    const known = new Set(await owner.sweep.present(files.map((file) => file.digest)));
    for (const file of files.filter(({ digest }) => !known.has(digest))) {
      strays++;
      bytes += file.size;
      if (repair && (await adopt(owner, file))) adopted++;
    }
  }
  const detail =
    strays === 0
      ? 'none without a record'
      : `${strays} without a record, ${formatBytes(bytes)}: left by a crash, they go after a day`;
  const repaired = `${adopted} recorded, as their bytes are whole; ${strays - adopted} moved to the trash`;
  report({ check: 'files', ok: true, detail, ...(repair && strays > 0 ? { repaired } : {}) });
}

/** Records a file whose bytes are those of its name, and throws any other away. */
function adopt(owner: Owner, file: BlobInfo): Promise<boolean> {
  return owner.removals.with(async () => {
    if ((await owner.place.inspect(file)) === undefined) {
      await owner.stores.blobs.add(file, LEASE_MS);
      return true;
    }
    const now = Date.now();
    await owner.sweep.remove([file.digest], now, (digest) => owner.place.bin.discard(digest, now));
    return false;
  });
}

/** A clock that was years ahead for a minute leaves leases that would hold their blobs for years. */
async function examineLeases({ owner, report, repair }: Examination): Promise<void> {
  const beyond = Date.now() + LONGEST_LEASE_MS;
  const leases = await owner.sweep.leasesBeyond(beyond);
  if (leases === 0) return report({ check: 'leases', ok: true, detail: 'none ends later than a day from now' });
  const cut = repair ? await owner.sweep.cutLeases(beyond, Date.now() + LONGEST_LEASE_MS - HOUR_MS) : 0;
  report({
    check: 'leases',
    ok: repair,
    detail: `${leases} end later than a day from now: the clock was set while they were taken`,
    ...(repair
      ? { repaired: `${cut} end in a day now` }
      : { remedy: 'Run slipway doctor --repair; until then their blobs are kept.' }),
  });
}

async function isRecorded(owner: Owner, digest: Digest): Promise<boolean> {
  return (await owner.sweep.present([digest])).length > 0;
}

async function* everyBlob(owner: Owner): AsyncGenerator<BlobInfo> {
  let page = await owner.sweep.page(Date.now(), undefined, PAGE);
  while (page.length > 0) {
    yield* page;
    page = await owner.sweep.page(Date.now(), page.at(-1)?.digest, PAGE);
  }
}
