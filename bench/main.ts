import { setMaxListeners } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readMountTable } from '../src/kernel/mount-table.ts';
import { messageOf } from '../src/lib/problem.ts';
import { runOk } from '../src/lib/run.ts';
import { AccountedGroup } from './accounting.ts';
import { measureCloudbuild } from './cloudbuild/measure-cloudbuild.ts';
import { buildah } from './contenders/buildah.ts';
import type { Candidate, Contender } from './contenders/contender.ts';
import { dockerBuildkit, dockerClassic } from './contenders/docker.ts';
import { skopeo } from './contenders/skopeo.ts';
import { slipway, slipwayCopy } from './contenders/slipway.ts';
import { measureDocker } from './docker/measure-docker.ts';
import { DOCKER_ROWS } from './docker/rows.ts';
import { measureGrowth } from './growth/measure-growth.ts';
import { measureRegistry } from './registry/measure-registry.ts';
import { REGISTRY_ROWS } from './registry/rows.ts';
import { type Section, writeResults } from './results-file.ts';
import { aptRows, copyRows, manyFilesRows, modelRows, stageRows } from './rows/builds.ts';
import { measureRows } from './rows/measure-rows.ts';
import { mirrorRows } from './rows/mirror.ts';
import { pythonBuildRows } from './rows/python-build.ts';
import type { RowSet } from './rows/row.ts';
import { pullRows, pushRows, workerRows } from './rows/transfers.ts';
import { measureSubmit } from './submit/measure-submit.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const CANDIDATES: Candidate[] = [slipway, slipwayCopy, dockerClassic, dockerBuildkit, buildah, skopeo];
const SETS: RowSet[] = [
  mirrorRows,
  pythonBuildRows,
  copyRows,
  modelRows,
  manyFilesRows,
  stageRows,
  aptRows,
  pushRows,
  pullRows,
  workerRows,
];

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    samples: { type: 'string', default: '5' },
    /** As many samples of costly rows as of all others. */
    full: { type: 'boolean', default: false },
    /** How ours grows with its work, instead of the rows. */
    growth: { type: 'boolean', default: false },
    /** Our registry beside distribution's, instead of the rows. */
    registry: { type: 'boolean', default: false },
    /** Our docker door beside dockerd, by the same docker, instead of the rows. */
    docker: { type: 'boolean', default: false },
    /** Whole builds by Cloud Build's API, instead of the rows. */
    cloudbuild: { type: 'boolean', default: false },
    /** A folder of a gigabyte, submitted by gcloud and by us, instead of the rows. */
    submit: { type: 'boolean', default: false },
    /** Rows (W5,W6; their whole set is measured; R1,R2 of the registry; D1,D2 of docker) and contenders; all when absent. */
    only: { type: 'string' },
  },
});
const names = (values.only ?? '').split(',').filter(Boolean);
const isRow = (name: string) => /^W\d/.test(name);
const wantedRows = names.filter(isRow);
const wantedRegistryRows = names.filter((name) => /^R\d/.test(name));
const wantedDockerRows = names.filter((name) => /^D\d/.test(name));
const wantedContenders = names.filter(
  (name) => !isRow(name) && !wantedRegistryRows.includes(name) && !wantedDockerRows.includes(name),
);
const section = wantedSection();

/** Of rows, from the first sample to the last; beginning and cleaning up come on top of it. */
const ROWS_MS = 11 * 60_000;

/** Node 20 parses this bundle at every start, which takes 38 ms of its 55: a setting of this machine, and no work of ours. */
delete process.env['NODE_EXTRA_CA_CERTS'];

const interrupted = new AbortController();
// builds that go on at once all listen to it
setMaxListeners(0, interrupted.signal);
// one that comes again, relayed by npm or tsx, must not end the cleaning up
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
process.exitCode = await bench();

async function bench(): Promise<number> {
  if (process.getuid?.() !== 0) return complain('the contenders mount and unpack as root; run this as root');
  const samples = Number(values.samples);
  if (!Number.isInteger(samples) || samples < 1)
    return complain(`--samples ${values.samples}: not a number of samples`);
  const unknown = unknownNames();
  if (unknown.length > 0) return complain(`--only ${unknown.join(',')}: neither a row nor a contender`);
  const sets = SETS.filter(({ rows }) => wantedRows.length === 0 || rows.some(({ id }) => wantedRows.includes(id)));
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const endings: (() => Promise<void>)[] = [() => removeFolder(folder), () => AccountedGroup.removeParent()];
  const versions: string[] = [];
  const loads = [loadavg()[0] ?? 0];
  const signal = interrupted.signal;
  const noted = (text: string) => {
    loads.push(loadavg()[0] ?? 0);
    say(text);
  };
  let tables: string[];
  try {
    if (section === 'Docker') {
      const upstream = await upstreamUntilTheEnd(folder, endings);
      tables = await measureDocker(
        DOCKER_ROWS.filter(({ id }) => wantedDockerRows.length === 0 || wantedDockerRows.includes(id)),
        { upstream, folder, samples, versions, signal, say: noted, until: (end) => void endings.push(end) },
      );
    } else if (section === 'Submit') {
      tables = await measureSubmit({ folder, signal, say: noted });
    } else if (section === 'Registry') {
      tables = await measureRegistry(
        REGISTRY_ROWS.filter(({ id }) => wantedRegistryRows.length === 0 || wantedRegistryRows.includes(id)),
        { folder, samples, versions, signal, say: noted },
      );
    } else if (section === 'Growth' || section === 'Cloud Build') {
      const found = await slipway.find();
      if ('version' in found) versions.push(`slipway: ${found.version}`);
      const upstream = await upstreamUntilTheEnd(folder, endings);
      const measure = section === 'Growth' ? measureGrowth : measureCloudbuild;
      tables = await measure({ upstream, folder, samples, signal, say: noted });
    } else {
      const upstream = await upstreamUntilTheEnd(folder, endings);
      const contenders = await beginAll(folder, versions, endings);
      const floor = await AccountedGroup.create('floor');
      endings.push(() => floor.end());
      const on = { upstream, folder, contenders, floor, signal };
      tables = await measureRows(sets, { ...on, samples, full: values.full, withinMs: ROWS_MS, say: noted });
    }
  } catch (error) {
    return complain(messageOf(error));
  } finally {
    for (const end of endings.reverse()) await end().catch((error: unknown) => complain(messageOf(error)));
  }
  process.stdout.write(`${tables.join('\n')}\n`);
  if (values.write) say(`written: ${await writeResults(section, header(versions, loads), tables)}`);
  return 0;
}

function wantedSection(): Section {
  if (values.growth) return 'Growth';
  if (values.cloudbuild) return 'Cloud Build';
  if (values.submit) return 'Submit';
  if (values.docker || wantedDockerRows.length > 0) return 'Docker';
  return values.registry || wantedRegistryRows.length > 0 ? 'Registry' : 'Rows';
}

async function upstreamUntilTheEnd(folder: string, endings: (() => Promise<void>)[]): Promise<Upstream> {
  const upstream = await startUpstream(join(folder, 'upstream'));
  endings.push(upstream.stop);
  return upstream;
}

/** Whoever isn't installed is named and left out. */
async function beginAll(folder: string, versions: string[], endings: (() => Promise<void>)[]): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (const candidate of CANDIDATES) {
    if (wantedContenders.length > 0 && !wantedContenders.includes(candidate.name)) continue;
    const found = await candidate.find();
    if ('absent' in found) {
      say(`without ${candidate.name}: ${found.absent}`);
      versions.push(`${candidate.name}: skipped, ${found.absent}`);
      continue;
    }
    const own = join(folder, candidate.name.toLowerCase().replaceAll(' ', '-'));
    await mkdir(own);
    const contender = await candidate.begin(own);
    endings.push(() => contender.end());
    contenders.push(contender);
    versions.push(`${candidate.name}: ${found.version}`);
  }
  return contenders;
}

/** Overlay stores leave mounts of their own folders behind; a mount goes before the one that it lies on. */
async function removeFolder(folder: string): Promise<void> {
  const below = (await readMountTable()).filter(({ target }) => target.startsWith(`${folder}/`));
  for (const { target } of below.reverse()) await runOk('umount', ['--lazy', target]);
  await rm(folder, { recursive: true, force: true });
}

function header(versions: readonly string[], loads: readonly number[]): string {
  const processors = cpus();
  const machine = `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown processor'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}`;
  const load = `${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`;
  const date = new Date().toISOString().slice(0, 16);
  const first = `Date: ${date}Z. Machine: ${machine}; its load meanwhile: ${load}.`;
  return [first, '', ...versions.map((line) => `- ${line}`)].join('\n');
}

function unknownNames(): string[] {
  const rows = [...SETS.flatMap((set) => set.rows), ...REGISTRY_ROWS, ...DOCKER_ROWS];
  const known = [...rows.map(({ id }) => id), ...CANDIDATES.map(({ name }) => name)];
  return names.filter((name) => !known.includes(name));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function complain(text: string): number {
  say(`error: ${text}`);
  return 1;
}
