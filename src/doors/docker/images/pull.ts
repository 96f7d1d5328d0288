import type { Caller, PullListener } from '../../../engine/engine.ts';
import { parsePlatform } from '../../../images/platform.ts';
import { familiarName, formatReference, type Reference } from '../../../images/reference.ts';
import { Problem } from '../../../lib/problem.ts';
import type { DockerCall } from '../call.ts';
import { JsonLines } from '../streams/json-lines.ts';
import { tell } from './image-events.ts';
import { LayerLines } from './layer-lines.ts';
import { referenceOf } from './named.ts';
import { asLoggedIn, asRefusal } from './registry-auth.ts';

/** `docker pull`: layers come here and are not unpacked. What there is nothing to pull of is an error, and no stream. */
export async function pull(call: DockerCall): Promise<void> {
  try {
    await pullAll(call);
  } catch (error) {
    throw asRefusal(error);
  }
}

async function pullAll(call: DockerCall): Promise<void> {
  const { query, house } = call;
  const reference = referenceOf(query.get('fromImage') ?? '', query.get('tag') ?? '');
  const caller = asLoggedIn(call, reference.host);
  const lines = new JsonLines(call);
  const isWhole = reference.tag === undefined && reference.digest === undefined;
  const { host, repository } = reference;
  const tags = isWhole ? await house.engine.shelf.tags(formatReference({ host, repository }), caller) : [];
  const wanted = isWhole ? tags.map((tag): Reference => ({ host, repository, tag })) : [reference];
  let isNew = false;
  for (const one of wanted) if (await pullOne(one, call, caller, lines)) isNew = true;
  const what = isNew ? 'Downloaded newer image for' : 'Image is up to date for';
  void lines.send({ status: `Status: ${what} ${familiarName(reference)}` });
  lines.end();
}

/** @returns whether this name meant another image before, or none */
async function pullOne(reference: Reference, call: DockerCall, caller: Caller, lines: JsonLines): Promise<boolean> {
  const { query, house } = call;
  const name = familiarName(reference);
  const layers = new LayerLines((line) => void lines.send(line));
  let isNew = false;
  const listener: PullListener = {
    onResolved: ({ isKnown }) => {
      isNew = !isKnown;
      const id = reference.digest === undefined ? (reference.tag ?? 'latest') : name;
      void lines.send({ status: `Pulling from ${reference.repository}`, id });
    },
    onLayer: (layer, state) => {
      // of an image that was here dockerd says nothing, unless something of it has to come
      if (!isNew && state === 'Already exists') return;
      if (state === 'Pull complete') layers.state(layer, 'Download complete');
      layers.state(layer, state);
    },
    onBytes: (layer, current, total) => layers.bytes(layer, 'Downloading', current, total),
  };
  const platform = query.get('platform') ?? '';
  const before = await idOf(name, call, caller);
  const { digest } = await house.engine.pull(formatReference(reference), caller, {
    ...(platform === '' ? {} : { platform: parsePlatform(platform) }),
    layers: true,
    listener,
  });
  void lines.send({ status: `Digest: ${digest}` });
  tell(call, 'pull', name, name);
  return isNew || before !== (await idOf(name, call, caller));
}

async function idOf(name: string, { house }: DockerCall, caller: Caller): Promise<string | undefined> {
  try {
    return (await house.engine.shelf.find(name, caller)).id;
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return undefined;
    throw error;
  }
}
