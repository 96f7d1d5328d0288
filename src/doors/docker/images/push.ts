import type { Caller, PushListener } from '../../../engine/engine.ts';
import type { Digest } from '../../../images/digest.ts';
import { familiarName, formatReference, parseReference, type Reference } from '../../../images/reference.ts';
import { Problem } from '../../../lib/problem.ts';
import type { DockerCall } from '../call.ts';
import { JsonLines } from '../streams/json-lines.ts';
import { tell } from './image-events.ts';
import { LayerLines } from './layer-lines.ts';
import { referenceOf } from './named.ts';
import { asLoggedIn } from './registry-auth.ts';

/** `docker push`: the tag that is named, or all that the repository has here. */
export async function push(call: DockerCall): Promise<void> {
  const { params, query } = call;
  const { host, repository, tag } = referenceOf(params['name'] ?? '', query.get('tag') ?? '');
  const caller = asLoggedIn(call, host);
  const lines = new JsonLines(call);
  const bare = familiarName({ host, repository });
  void lines.send({
    status: `The push refers to repository [${host === 'docker.io' ? `docker.io/${repository}` : bare}]`,
  });
  const tags = await localTags({ host, repository }, call);
  if (tags.length === 0) throw new Problem('not-found', `An image does not exist locally with the tag: ${bare}`);
  if (tag !== undefined && !tags.includes(tag))
    throw new Problem('not-found', `tag does not exist: ${familiarName({ host, repository, tag })}`);
  for (const one of tag === undefined ? tags : [tag])
    await pushOne({ host, repository, tag: one }, call, caller, lines);
  lines.end();
}

async function localTags({ host, repository }: Reference, { house, caller }: DockerCall): Promise<string[]> {
  return (await house.engine.images(caller)).flatMap(({ name }) => {
    const reference = parseReference(name);
    const isOne = reference.host === host && reference.repository === repository;
    return isOne && reference.tag !== undefined ? [reference.tag] : [];
  });
}

async function pushOne(reference: Reference, call: DockerCall, caller: Caller, lines: JsonLines): Promise<void> {
  const { house } = call;
  const name = formatReference(reference);
  const { layers } = await house.engine.shelf.find(name, caller);
  // docker's clients know the layers of an image by what they unpack to
  const shown = new Map(layers.map(({ diffID, blob }): [Digest, Digest] => [blob.digest, diffID]));
  const idOf = (layer: Digest) => shown.get(layer) ?? layer;
  const told = new LayerLines((line) => void lines.send(line));
  for (const { diffID } of layers.toReversed()) told.state(diffID, 'Preparing');
  const listener: PushListener = {
    onLayer: (layer, state, from) => {
      if (state !== 'Preparing') told.state(idOf(layer), from === undefined ? state : `Mounted from ${from}`);
    },
    onBytes: (layer, current, total) => told.bytes(idOf(layer), 'Pushing', current, total),
  };
  const { tag, digest, size } = await house.engine.push(name, caller, listener);
  void lines.send({ status: `${tag}: digest: ${digest} size: ${size}` });
  void lines.send({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: size } });
  tell(call, 'push', familiarName(reference), familiarName(reference));
}
