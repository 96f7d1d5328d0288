import type { ContainerRequest, RequestedMount } from '../../../containers/container-request.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall, DockerHouse } from '../call.ts';
import { DockerError } from '../errors.ts';
import { checkContainer } from '../policy.ts';
import { type JsonObject, readJsonObject } from '../read-json.ts';
import { readContainerRequest } from './read-request.ts';

export async function createContainer(call: DockerCall): Promise<void> {
  const { request, response, query, house } = call;
  const body = await readJsonObject(request);
  const read = readContainerRequest(query.get('name') || undefined, body);
  const lent = await house.lent.lend([...read.mounts, ...mountsOfOthers(body, read, house)]);
  try {
    const asked: ContainerRequest = {
      ...read,
      mounts: lent.mounts,
      ports: [...read.ports, ...(await allPorts(body, read, call))],
    };
    checkContainer(house.client, { ...asked, mounts: asked.mounts.filter((mount) => !lent.lent.has(mount)) });
    const { id } = await house.containers.create(asked);
    lent.keep(id);
    return sendJson(response, 201, { Id: id, Warnings: [] });
  } catch (error) {
    await lent.drop();
    throw error;
  }
}

/** `--volumes-from OTHER[:ro]`: what others have mounted, where this one has nothing of its own. */
function mountsOfOthers(body: JsonObject, request: ContainerRequest, house: DockerHouse): RequestedMount[] {
  const taken = new Set(request.mounts.map(({ target }) => target));
  const found: RequestedMount[] = [];
  for (const text of body.object('HostConfig')?.strings('VolumesFrom') ?? []) {
    const [name = '', mode = 'rw'] = text.split(':');
    if (name === '' || !['ro', 'rw', 'z', 'Z'].includes(mode))
      throw new DockerError(400, `invalid volumes-from specification: ${text.slice(0, 200)}`);
    for (const mount of house.containers.get(name).mounts) {
      if (mount.kind === 'tmpfs' || taken.has(mount.target)) continue;
      taken.add(mount.target);
      const { target, source } = mount;
      const readonly = mode === 'ro' || mount.readonly;
      found.push(
        mount.kind === 'bind'
          ? { kind: 'bind', source, target, readonly, create: false }
          : { kind: 'volume', name: mount.name, target, readonly, noCopy: true },
      );
    }
  }
  return found;
}

/** `-P`: every port that the container or its image exposes and that has no place yet, at any free number. */
async function allPorts(
  body: JsonObject,
  { image, exposedPorts, ports }: ContainerRequest,
  { house, caller }: DockerCall,
): Promise<ContainerRequest['ports']> {
  if (body.object('HostConfig')?.boolean('PublishAllPorts') !== true) return [];
  const { config } = await house.engine.shelf.find(image, caller);
  const exposed = new Set([...exposedPorts, ...Object.keys(config.config?.ExposedPorts ?? {})]);
  const published = new Set(ports.map(({ containerPort }) => containerPort));
  return [...exposed]
    .filter((containerPort) => !published.has(containerPort))
    .map((containerPort) => ({ containerPort, hostAddress: '', hostPort: 0 }));
}
