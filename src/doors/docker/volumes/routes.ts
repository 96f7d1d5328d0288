import type { VolumeRecord } from '../../../containers/volumes.ts';
import { timestamp } from '../../../lib/clock.ts';
import { Problem } from '../../../lib/problem.ts';
import { sendEmpty, sendJson } from '../../http/answer.ts';
import type { Router } from '../../http/router.ts';
import type { DockerCall, DockerHandler } from '../call.ts';
import { checkDriver, volumeName } from '../containers/read-mounts.ts';
import { Filters } from '../filters.ts';
import { checkQuota } from '../policy.ts';
import { booleanOf } from '../query.ts';
import { readJsonObject } from '../read-json.ts';
import { folderSize } from './folder-size.ts';

export function volumeRoutes(router: Router<DockerHandler>): void {
  router
    .on('GET', '/volumes', list)
    .on('POST', '/volumes/create', create)
    .on('POST', '/volumes/prune', prune)
    .on('GET', '/volumes/{name}', inspect)
    .on('DELETE', '/volumes/{name}', remove);
}

export function volumeJson({ name, labels, createdAt, folder }: VolumeRecord): object {
  return {
    CreatedAt: timestamp(createdAt),
    Driver: 'local',
    Labels: Object.keys(labels).length === 0 ? null : labels,
    Mountpoint: folder,
    Name: name,
    Options: null,
    Scope: 'local',
  };
}

async function list({ query, house, response }: DockerCall): Promise<void> {
  const filters = Filters.of(query, ['dangling', 'driver', 'label', 'name']);
  const dangling = filters.boolean('dangling');
  const used = new Set(house.containers.list().flatMap(({ mounts }) => mounts.map(({ name }) => name)));
  const found = house.volumes
    .list()
    .filter(
      ({ name, labels }) =>
        (dangling === undefined || dangling !== used.has(name)) &&
        filters.fits('driver', (value) => value === 'local') &&
        filters.fits('name', (value) => name.includes(value)) &&
        filters.fitsLabels(labels),
    );
  sendJson(response, 200, { Volumes: found.map(volumeJson), Warnings: null });
}

async function create({ request, house, response }: DockerCall): Promise<void> {
  const body = await readJsonObject(request);
  checkDriver(body.string('Driver') ?? '', body.stringMap('DriverOpts') ?? {});
  const given = body.string('Name') ?? '';
  const name = given === '' ? undefined : volumeName(given);
  checkQuota(house.client, 'volumes', house.volumes.list().length);
  sendJson(response, 201, volumeJson(await house.volumes.create(name, body.stringMap('Labels') ?? {})));
}

async function inspect({ params, house, response }: DockerCall): Promise<void> {
  sendJson(response, 200, volumeJson(house.volumes.get(params['name'] ?? '')));
}

async function remove({ params, query, house, response }: DockerCall): Promise<void> {
  await house.volumes.remove(params['name'] ?? '', booleanOf(query, 'force'));
  sendEmpty(response, 204);
}

/** From 1.42 on those without a name alone, unless all are asked for; clients of before mean all. */
const NAMELESS_ALONE = 42;

async function prune({ query, house, response, version }: DockerCall): Promise<void> {
  const filters = Filters.of(query, ['all', 'label', 'label!']);
  const all = version < NAMELESS_ALONE || filters.boolean('all') === true;
  const deleted: string[] = [];
  let bytes = 0;
  for (const { name, labels, folder, anonymous } of house.volumes.list()) {
    if (!all && !anonymous) continue;
    if (!filters.fitsLabels(labels) || !filters.lacksLabels(labels)) continue;
    try {
      const size = await folderSize(folder);
      await house.volumes.remove(name, false);
      deleted.push(name);
      bytes += size;
    } catch (error) {
      // a container has it, or somebody else took it away
      if (!(error instanceof Problem && (error.code === 'conflict' || error.code === 'not-found'))) throw error;
    }
  }
  sendJson(response, 200, { VolumesDeleted: deleted, SpaceReclaimed: bytes });
}
