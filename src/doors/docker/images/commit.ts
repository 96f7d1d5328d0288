import type { ContainerRequest } from '../../../containers/container-request.ts';
import type { RunConfig } from '../../../images/config.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { booleanOf } from '../query.ts';
import { readJsonObject } from '../read-json.ts';
import { tell } from './image-events.ts';
import { familiar } from './image-json.ts';
import { newName } from './named.ts';

/** `docker commit`: what a container changed, and how it was asked to run. */
export async function commit(call: DockerCall): Promise<void> {
  const { request, query, response, house, caller } = call;
  await readJsonObject(request); // a config in the body only repeats the container's, and --change says the rest
  const { id, imageId, request: asked } = house.containers.get(query.get('container') ?? '');
  const name = newName(query);
  const image = await house.containers.withFiles(id, booleanOf(query, 'pause', true), ({ upper }) =>
    house.engine.shelf.commit(
      {
        image: imageId,
        upper,
        config: configOf(asked),
        changes: query.getAll('changes').filter((change) => change !== ''),
        author: query.get('author') ?? '',
        comment: query.get('comment') ?? '',
        ...(asked.command === undefined ? {} : { createdBy: asked.command.join(' ') }),
        ...(name === undefined ? {} : { name }),
      },
      caller,
    ),
  );
  house.events.tell({
    ...{ type: 'container', action: 'commit', id, at: house.clock.now() },
    attributes: { image: asked.image, imageID: image.id, ...(name === undefined ? {} : { imageRef: familiar(name) }) },
  });
  if (name !== undefined) tell(call, 'tag', image.id, familiar(name));
  sendJson(response, 201, { Id: image.id });
}

/** What the container was asked for itself; what it has of its image stays as it is there. */
function configOf(request: ContainerRequest): RunConfig {
  const { entrypoint, command, env, cwd, user, labels, exposedPorts, stopSignal, mounts } = request;
  const empty = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));
  const volumes = mounts.flatMap((mount) =>
    mount.kind === 'volume' && mount.name === undefined ? [mount.target] : [],
  );
  return {
    Env: env,
    Labels: labels,
    ...(exposedPorts.length === 0 ? {} : { ExposedPorts: empty(exposedPorts) }),
    ...(volumes.length === 0 ? {} : { Volumes: empty(volumes) }),
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint, Cmd: [] }),
    ...(command === undefined ? {} : { Cmd: command }),
    ...(cwd === undefined || cwd === '' ? {} : { WorkingDir: cwd }),
    ...(user === undefined || user === '' ? {} : { User: user }),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
  };
}
