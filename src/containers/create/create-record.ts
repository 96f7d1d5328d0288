import type { Clock } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContainerImage } from '../container-images.ts';
import type { ContainerMountRecord, ContainerRecord } from '../container-record.ts';
import type { ContainerRequest, RequestedMount } from '../container-request.ts';
import { isThere } from '../files/is-there.ts';
import { fillVolumes } from '../volumes/fill-volume.ts';
import type { KeptVolumes } from '../volumes/kept-volumes.ts';
import { completeRequest } from './complete-request.ts';
import { planMounts } from './plan-mounts.ts';

/** What a record is made with. */
export interface RecordParts {
  id: string;
  name: string;
  image: ContainerImage;
  volumes: KeptVolumes;
  runFolder: string;
  clock: Clock;
}

/**
 * The record of a new container. Volumes that are missing are made, claimed for it and filled; who can't go on after that
 * gives them back with `letGoOfVolumes`.
 * @throws Problem `invalid` in docker's words
 */
export async function createRecord(asked: ContainerRequest, parts: RecordParts): Promise<ContainerRecord> {
  const { id, name, image, volumes, clock } = parts;
  const { request, process } = completeRequest(asked, image.config);
  const planned = planMounts(request.mounts, image.config.volumes);
  for (const mount of planned) await checkSource(mount);
  const mounts: ContainerMountRecord[] = [];
  try {
    for (const mount of planned) mounts.push(await mountRecord(mount, id, volumes));
    const toFill = mounts.filter(({ kind }, i) => kind === 'volume' && !mayNotCopy(planned[i]));
    await fillVolumes(
      parts.runFolder,
      id,
      image.lowers,
      toFill.map(({ source, target }) => ({ folder: source, target })),
    );
  } catch (error) {
    await letGoOfVolumes(id, mounts, volumes);
    throw error;
  }
  return {
    id,
    name,
    request: { ...request, name, mounts: planned },
    imageId: image.id,
    process,
    createdAt: clock.now(),
    state: {
      status: 'created',
      pid: 0,
      exitCode: 0,
      error: '',
      outOfMemory: false,
      startedAt: 0,
      finishedAt: 0,
      restarts: 0,
    },
    mounts,
    network: { name: networkName(request) },
  };
}

async function checkSource(mount: RequestedMount): Promise<void> {
  if (mount.kind !== 'bind') return;
  if (!mount.source.startsWith('/')) {
    throw new Problem('invalid', `invalid mount path: '${mount.source}' mount path must be absolute`);
  }
  if (mount.create || (await isThere(mount.source))) return;
  throw new Problem(
    'invalid',
    `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`,
  );
}

function mayNotCopy(mount: RequestedMount | undefined): boolean {
  return mount?.kind === 'volume' && mount.noCopy;
}

async function mountRecord(
  mount: RequestedMount,
  container: string,
  volumes: KeptVolumes,
): Promise<ContainerMountRecord> {
  const { kind, target } = mount;
  if (kind === 'tmpfs') return { kind, source: '', target, readonly: false, sizeBytes: mount.sizeBytes };
  if (kind === 'bind') return { kind, source: mount.source, target, readonly: mount.readonly };
  const { name, folder } = await volumes.createFor(container, mount.name);
  return { kind, name, source: folder, target, readonly: mount.readonly };
}

/** Takes back what `createRecord` claimed. */
export async function letGoOfVolumes(
  container: string,
  mounts: readonly ContainerMountRecord[],
  volumes: KeptVolumes,
): Promise<void> {
  for (const { kind, name } of mounts) {
    if (kind !== 'volume' || name === undefined) continue;
    volumes.letGo(name, container);
    await volumes.removeIfAnonymous(name);
  }
}

function networkName({ network }: ContainerRequest): string {
  if (network.kind === 'container') return `container:${network.name}`;
  return network.kind === 'named' ? network.name : network.kind;
}
