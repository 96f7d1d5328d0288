import { readdir } from 'node:fs/promises';
import type { HistoryEntry, ImageConfig, RunConfig } from '../../images/config.ts';
import type { Layer } from '../../images/layer.ts';
import { timestamp } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { HeldImage, LocalImage } from '../../stores/names/names.ts';
import type { Caller } from '../engine.ts';
import { type LayerItem, writeLayer } from '../layers/write-layer.ts';
import type { ProjectRoom } from '../project-room.ts';
import { diffUpper } from '../snapshots/diff.ts';
import { changedConfig } from './changed-config.ts';
import type { CommitRequest } from './shelf.ts';
import { takeIn } from './take-in.ts';
import { writeImage } from './write-image.ts';

/** What a container changed becomes a layer on its image; one that changed nothing makes none. */
export async function commitContainer(request: CommitRequest, caller: Caller, room: ProjectRoom): Promise<LocalImage> {
  const { deps, local } = room;
  const found = await local.find(request.image, caller.scope);
  if (found === undefined) throw new Problem('not-found', `No such image: ${request.image}`);
  const base = await local.facts.of(found);
  const layer = await changesOf(request.upper, base.layers, caller.signal, room);
  const { author, comment, changes } = request;
  const createdBy = request.createdBy ?? (base.config.config?.Cmd ?? []).join(' ');
  const created = timestamp(deps.clock.now());
  const entry: HistoryEntry = { created, created_by: createdBy };
  if (author !== '') entry.author = author;
  if (comment !== '') entry.comment = comment;
  if (layer === undefined) entry.empty_layer = true;
  const layers = layer === undefined ? base.layers : [...base.layers, layer];
  const { author: _, ...inherited } = base.config;
  const config: ImageConfig = {
    ...inherited,
    created,
    ...(author === '' ? {} : { author }),
    config: changedConfig(merged(request.config, base.config.config ?? {}), changes, base.config),
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffID }) => diffID) },
    history: [...(base.config.history ?? []), entry],
  };
  const written = await writeImage(config, layers, deps.content, deps.clock.now());
  const image: HeldImage = { ...written, kind: 'image', parent: found.id };
  await takeIn(image, request.name === undefined ? [] : [request.name], caller.scope, deps.names);
  return image;
}

/** What the container was not asked for, it had from its image. */
function merged(asked: RunConfig, image: RunConfig): RunConfig {
  const config: RunConfig = { ...image, ...asked };
  const env = new Map([...(image.Env ?? []), ...(asked.Env ?? [])].map((pair) => [pair.split('=', 1)[0], pair]));
  if (env.size > 0) config.Env = [...env.values()];
  else delete config.Env;
  for (const name of ['Labels', 'ExposedPorts', 'Volumes'] as const) {
    const both = { ...image[name], ...asked[name] };
    if (Object.keys(both).length > 0) Object.assign(config, { [name]: both });
    else delete config[name];
  }
  return config;
}

async function changesOf(
  upper: string,
  below: readonly Layer[],
  signal: AbortSignal,
  { deps, trees }: ProjectRoom,
): Promise<Layer | undefined> {
  if ((await readdir(upper)).length === 0) return undefined;
  const items = diffUpper(upper, trees.tree(below, signal));
  const first = await items.next();
  if (first.done === true) return undefined;
  const written = await writeLayer(deps.content, startingWith(first.value, items), signal);
  await written.adopt();
  await trees.note(written.layer, written.listing);
  return written.layer;
}

async function* startingWith(
  first: LayerItem,
  rest: AsyncGenerator<LayerItem, void, undefined>,
): AsyncGenerator<LayerItem, void, undefined> {
  yield first;
  yield* rest;
}
