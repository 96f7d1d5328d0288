import type { ContainerRequest, RequestedMount } from '../../../containers/container-request.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall, DockerHouse } from '../call.ts';
import { DockerError } from '../errors.ts';
import { checkContainer } from '../policy.ts';
import { type JsonObject, readJsonObject } from '../read-json.ts';
import { readContainerRequest } from './read-request.ts';

export async function createContainer({ request, response, query, house }: DockerCall): Promise<void> {
  const body = await readJsonObject(request);
  const read = readContainerRequest(query.get('name') || undefined, body);
  const asked: ContainerRequest = { ...read, mounts: [...read.mounts, ...mountsOfOthers(body, read, house)] };
  checkContainer(house.client, asked);
  const { id } = await house.containers.create(asked);
  sendJson(response, 201, { Id: id, Warnings: warningsOf(asked) });
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

function warningsOf(request: ContainerRequest): string[] {
  return request.ports.length === 0
    ? []
    : ['Ports are not published here: containers are reached by their address, or by name on a network of their own.'];
}
