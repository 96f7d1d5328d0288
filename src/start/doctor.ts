import { readFile, statfs } from 'node:fs/promises';
import type { DoctorLine, HouseCalls } from '../doors/control/house-wire.ts';
import { verifyEncoder } from '../images/compress.ts';
import { formatBytes } from '../lib/bytes.ts';
import { examineContent } from './examine-content.ts';
import { examineRegistry } from './examine-registry.ts';
import { examineSecrets } from './examine-secrets.ts';
import type { Owner } from './owner.ts';
import { runtimeOver } from './runtime.ts';

type Emit = (line: DoctorLine) => void;

/** Below this a build of any size fails in its middle. */
const LEAST_FREE_BYTES = 2 << 30;

/**
 * Looks at the machine, at what is mounted, and (with `verify`) at every stored byte and everything that is recorded of it;
 * with `repair`, what can be mended without loss is.
 */
export async function examine(
  owner: Owner,
  { verify, repair }: HouseCalls['doctor']['request'],
  emit: Emit,
  signal: AbortSignal,
): Promise<{ healthy: boolean }> {
  let healthy = true;
  const report: Emit = (line) => {
    healthy &&= line.ok;
    emit(line);
  };
  report({ check: 'node', ok: true, detail: process.version });
  await examineContainers(owner, report);
  await examineEncoder(report);
  await examineDisk(owner, report);
  report({ check: 'content', ...(await owner.place.probe()) });
  await examineMounts(owner, report);
  await examineSecrets(owner, report);
  if (verify || repair) {
    await examineContent({ owner, report, repair, signal });
    await examineRegistry({ owner, report, repair, signal });
  }
  return { healthy };
}

async function examineContainers(owner: Owner, report: Emit): Promise<void> {
  const missing = await runtimeOver(owner.folder, owner.config).probe();
  if (missing.length === 0)
    report({ check: 'containers', ok: true, detail: 'runc, overlayfs, bridges and cgroups work' });
  for (const sentence of missing) report({ check: 'containers', ok: false, detail: sentence });
}

async function examineEncoder(report: Emit): Promise<void> {
  const { id, golden } = await verifyEncoder();
  // other digests are no damage: every client reads them, so this is told and not counted as an error
  const detail = golden
    ? `${id}: the same bytes on every machine`
    : `${id}: this Node's zlib packs layers differently; their digests differ from other machines'`;
  report({ check: 'layer encoder', ok: true, detail });
}

async function examineDisk(owner: Owner, report: Emit): Promise<void> {
  const { bavail, bsize } = await statfs(owner.folder.root);
  const free = bavail * bsize;
  const ok = free > LEAST_FREE_BYTES;
  report({
    check: 'disk',
    ok,
    detail: `${formatBytes(free)} free in ${owner.folder.root}`,
    ...(ok ? {} : { remedy: 'Delete images that nobody needs, or move the data folder to a larger disk.' }),
  });
}

/** Mounts below the data folder belong to running builds; with none running there must be none. */
async function examineMounts(owner: Owner, report: Emit): Promise<void> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const mounts = table
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${owner.folder.root}/`));
  const running = (await owner.queue.claims()).length;
  const ok = mounts.length === 0 || running > 0;
  report({
    check: 'mounts',
    ok,
    detail:
      mounts.length === 0 ? 'none left behind' : `${mounts.length} below the data folder, ${running} builds running`,
    ...(ok ? {} : { remedy: 'Restart the server: it takes them down at its start.' }),
  });
}
