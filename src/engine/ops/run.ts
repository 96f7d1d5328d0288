import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunOperation } from '../../dockerfile/program.ts';
import type { Layer } from '../../images/layer.ts';
import { runInputs } from '../cache/inputs.ts';
import { type MountFacts, runKey } from '../cache/key.ts';
import { type WrittenLayer, writeLayer } from '../layers/write-layer.ts';
import { dropStubs } from '../mounts/dropped-stubs.ts';
import { openMounts } from '../mounts/open-mounts.ts';
import { RunMounts } from '../mounts/run-mounts.ts';
import { diffUpper } from '../snapshots/diff.ts';
import { chainIDs } from '../snapshots/snapshot-store.ts';
import { sourceDateNs } from '../source-date.ts';
import { networkOf, securityOf } from './entitlements.ts';
import type { OperationPlace, OperationResult, OperationServices, StageState } from './operation.ts';
import { runContainer } from './run-container.ts';
import {
  alone,
  type CacheQuestion,
  findCached,
  fromRecord,
  type Made,
  saveMade,
  throughCache,
} from './through-cache.ts';

/**
 * RUN: a container over the stage's tree; what it changed becomes a layer. A command that changed nothing makes none.
 * @throws Problem `failed` with the command's exit code; `unsupported`, `denied`, `cancelled`
 */
export async function runCommand(
  operation: RunOperation,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
): Promise<OperationResult> {
  securityOf(operation, services);
  // what the command could reach decides what it made, whether the Dockerfile said so or the build
  const { kind } = networkOf(operation, services);
  const facts: RunOperation = { ...operation, network: kind === 'none' || kind === 'host' ? kind : 'default' };
  const found = await RunMounts.of(operation, services);
  const { extraHosts = [] } = services.request.run ?? {};
  const isPlain =
    operation.mounts.length === 0 &&
    operation.network === 'default' &&
    operation.security === 'sandbox' &&
    extraHosts.length === 0;
  const questionOf = (mounts: MountFacts[]): CacheQuestion => ({
    key: runKey(state.chain, facts, mounts, extraHosts),
    text: operation.text,
    inputs: () => runInputs(facts, state, mounts),
    env: isPlain ? operation.env : undefined,
  });
  const work = () => execute(operation, found, state, place, services);
  const first = questionOf(found.facts);
  if (!found.canBeExact) return await throughCache(services, state, place, first, work);
  return await throughExact(first, async () => questionOf(await found.exactFacts()), state, place, services, work);
}

/**
 * A mount from another stage: first by the whole of that stage, which needs none of its files, then by what is mounted.
 * The result is noted under both.
 */
async function throughExact(
  first: CacheQuestion,
  exactly: () => Promise<CacheQuestion>,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
  work: () => Promise<Made>,
): Promise<OperationResult> {
  const known = await findCached(services, first.key);
  if (known !== undefined) return fromRecord(services, first, known);
  return await alone(services, first.key, async () => {
    const meanwhile = await findCached(services, first.key);
    if (meanwhile !== undefined) return fromRecord(services, first, meanwhile);
    const exact = await exactly();
    const result = await throughCache(services, state, place, exact, work);
    const { layer, contentDigest } = result;
    await saveMade(services, state, place, { ...exact, key: first.key }, { layer, contentDigest });
    return result;
  });
}

async function execute(
  operation: RunOperation,
  found: RunMounts,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
): Promise<Made> {
  const { mounts, signal } = services;
  const stack = await mounts.stack(state.layers, signal, place.vertex.status);
  try {
    const active = await mounts.store.prepare();
    try {
      const upper = join(active.folder, 'upper');
      await mkdir(upper, { mode: 0o755 });
      const { folder } = active;
      const opened = await openMounts(found, folder, place, services);
      try {
        await runContainer(operation, { rootfs: { lowers: stack.lowers, upper }, folder, ...opened }, place, services);
      } finally {
        await opened.close();
      }
      const targets = opened.mounts.map(({ target }) => target);
      await dropStubs(upper, targets, services.trees.tree(state.layers, signal));
      return await layerOf(operation, upper, state, place, services);
    } finally {
      await active.discard();
    }
  } finally {
    await stack.release();
  }
}

/** What the command changed; nothing, when it changed nothing. */
async function layerOf(
  operation: RunOperation,
  upper: string,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
): Promise<Made> {
  const { deps, signal } = services;
  if ((await readdir(upper)).length === 0) return {};
  const items = diffUpper(upper, services.trees.tree(state.layers, signal));
  const first = await items.next();
  if (first.done === true) return {};
  const written = await writeLayer(
    deps.content,
    (async function* () {
      yield first.value;
      yield* items;
    })(),
    signal,
    { latestNs: sourceDateNs(services.request.buildArgs) },
  );
  return await keep(operation, written, upper, state, place, services);
}

/**
 * A command that wrote the same as last time, times apart, keeps the layer of last time: everything below stays cached
 * and the image keeps its digest. Else the folder that the command wrote to becomes the tree that the next one stands on.
 * In a build with a date of its own, what happened here before must not decide: times count, and the next command sees
 * those of the layer, as it would on another machine.
 */
async function keep(
  operation: RunOperation,
  written: WrittenLayer,
  upper: string,
  state: StageState,
  place: OperationPlace,
  { deps, caller, mounts, trees, request }: OperationServices,
): Promise<Made> {
  const dated = sourceDateNs(request.buildArgs) !== undefined;
  const earlier = dated ? undefined : await deps.cache.latest(caller.project, place.position, operation.text);
  if (earlier?.layer !== undefined && earlier.contentDigest === written.contentDigest) {
    if ((await deps.content.stat(earlier.layer.blob.digest)) !== undefined) {
      await written.discard();
      return { layer: earlier.layer, contentDigest: earlier.contentDigest };
    }
  }
  await written.adopt();
  await trees.note(written.layer, written.listing);
  const chainID = chainIDs(diffIDs([...state.layers, written.layer])).at(-1);
  if (chainID !== undefined && !dated) await mounts.store.commit(chainID, upper);
  return { layer: written.layer, contentDigest: written.contentDigest };
}

function diffIDs(layers: readonly Layer[]) {
  return layers.map((layer) => layer.diffID);
}
