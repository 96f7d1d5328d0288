import { layerXattrs } from '../../containers/sandbox/overlay-marks.ts';
import type { CopyOperation } from '../../dockerfile/program.ts';
import { copyFromInputs, copyInputs } from '../cache/inputs.ts';
import { copyFromKey, copyKey, datedChain } from '../cache/key.ts';
import type { ContextFiles } from '../context/context-files.ts';
import { FolderTree } from '../context/folder-tree.ts';
import { NOTHING_EXCLUDED } from '../context/select.ts';
import { writeLayer } from '../layers/write-layer.ts';
import { sourceDate, sourceDateNs } from '../source-date.ts';
import { ArchivePlaces } from './archive-places.ts';
import { copyItems } from './copy-items.ts';
import { planCopy } from './copy-plan.ts';
import { type CopyFrom, CopySelection } from './copy-selection.ts';
import { parseMode } from './file-mode.ts';
import type { OperationPlace, OperationResult, OperationServices, StageState } from './operation.ts';
import { resolveOwner } from './owner.ts';
import { remoteSources } from './remote-source.ts';
import { alone, type CacheQuestion, findCached, fromRecord, type Made, saveMade } from './through-cache.ts';

/**
 * COPY and ADD. The layer's tar is written straight from the sources into the content store; nothing is unpacked but the
 * tree that --from names, and the tree copied to is known by its listing.
 *
 * The key holds the content of what is copied. When the index knows every file's digest (nothing changed since they were
 * last read), it is looked up before anything is read; else the layer is written in the one pass that also hashes, and
 * thrown away when it turns out to be known.
 * @throws Problem `not-found` (a source or a name), `invalid`, `unsupported`, `conflict` (a file changes while it is read)
 */
export async function copyFiles(
  operation: CopyOperation,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
): Promise<OperationResult> {
  const { from } = operation;
  const on = operation.link ? await onNothing(operation, state, place, services) : { operation, state };
  if (from.kind === 'context')
    return await copySelected(on.operation, filesOf(services.context), on.state, place, services);
  const named = from.kind === 'named' ? await services.namedContext(from.name, operation.place) : undefined;
  if (named?.kind === 'files') return await copySelected(on.operation, filesOf(named.files), on.state, place, services);
  if (named !== undefined) return await copyFromTree(on.operation, named.state, on.state, place, services);
  const source =
    from.kind === 'stage'
      ? await services.stage(from.index)
      : await services.image(from.kind === 'image' ? from.reference : '', operation.place);
  return await copyFromTree(on.operation, source, on.state, place, services);
}

function filesOf(context: ContextFiles): CopyFrom {
  return { tree: context.tree, exclusion: context.exclusion, index: context.index, context };
}

/**
 * --link: the layer is made in an empty root, so it is the same on whatever tree, and a base that changed keeps it cached.
 * Only the numbers behind names in --chown come from the tree.
 */
async function onNothing(
  operation: CopyOperation,
  state: StageState,
  { vertex }: OperationPlace,
  { trees, signal, request }: OperationServices,
): Promise<{ operation: CopyOperation; state: StageState }> {
  const date = sourceDate(request.buildArgs);
  const chain = date === undefined ? 'link' : datedChain('link', date);
  const empty: StageState = { layers: [], chain, base: chain, madeNs: 0n };
  const { chown } = operation;
  if (chown === undefined) return { operation, state: empty };
  const { uid, gid } = await resolveOwner(chown, trees.tree(state.layers, signal, vertex.status), operation.place);
  return { operation: { ...operation, chown: `${uid}:${gid}` }, state: empty };
}

/** COPY --from: the whole source tree's identity first, which needs none of its files; then the content that is selected. */
async function copyFromTree(
  operation: CopyOperation,
  source: StageState,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
): Promise<OperationResult> {
  const byTree: CacheQuestion = {
    key: copyFromKey(state.chain, operation, source.chain),
    text: operation.text,
    inputs: () => copyFromInputs(operation, state, source.chain),
  };
  const known = await findCached(services, byTree.key);
  if (known !== undefined) return fromRecord(services, byTree, known);
  return await alone(services, byTree.key, async () => {
    const meanwhile = await findCached(services, byTree.key);
    if (meanwhile !== undefined) return fromRecord(services, byTree, meanwhile);
    const copy = async (path: string) => {
      const tree = new FolderTree(path, { foreign: false, readXattrs: layerXattrs });
      try {
        const result = await copySelected(operation, { tree, exclusion: NOTHING_EXCLUDED }, state, place, services);
        const { layer, contentDigest, createdAt } = result;
        await saveMade(services, state, place, byTree, { layer, contentDigest }, createdAt);
        return result;
      } finally {
        tree.close();
      }
    };
    return await services.mounts.view(source.layers, services.signal, copy, place.vertex.status);
  });
}

async function copySelected(
  operation: CopyOperation,
  from: CopyFrom,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
): Promise<OperationResult> {
  const remotes = await remoteSources(operation, place, services);
  const selection = await CopySelection.of(operation, from, remotes);
  try {
    return await copySelection(selection, operation, from, state, place, services);
  } finally {
    selection.close();
  }
}

async function copySelection(
  selection: CopySelection,
  operation: CopyOperation,
  from: CopyFrom,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
): Promise<OperationResult> {
  const question = (): CacheQuestion | undefined => {
    const files = selection.files();
    if (files === undefined) return undefined;
    return {
      key: copyKey(state.chain, operation, files),
      text: operation.text,
      inputs: () => copyInputs(operation, state, files),
    };
  };
  // on another machine every file is new, but the copy is likely to be known: a hit then needs no layer below either
  if (services.cacheOff === undefined && services.request.cacheFrom.length > 0) await selection.readUnwritten();
  const before = question();
  const known = before === undefined ? undefined : await findCached(services, before.key);
  if (before !== undefined && known !== undefined) return fromRecord(services, before, known);

  await selection.fetch();
  const { deps, trees, signal } = services;
  const dateNs = sourceDateNs(services.request.buildArgs);
  const below = trees.tree(state.layers, signal, place.vertex.status);
  const planned = await planCopy(
    {
      operation,
      selected: selection.selected,
      archives: selection.archives,
      owner: operation.chown === undefined ? undefined : await resolveOwner(operation.chown, below, operation.place),
      mode: operation.chmod === undefined ? undefined : parseMode(operation.chmod, operation.place),
      madeNs: state.madeNs,
      // the times of a checkout are those of the machine where it was made
      sourceNs: from.context === undefined ? undefined : dateNs,
    },
    below,
  );
  // everything is excluded, and the root is there already: no layer
  if (planned.length === 0 && before !== undefined) return await saveMade(services, state, place, before, {});
  const watched = from.context === undefined ? 'copying:' : 'transferring context:';
  let passed = 0;
  const written = await writeLayer(
    deps.content,
    copyItems(planned, selection, new ArchivePlaces(below, state.madeNs)),
    signal,
    {
      latestNs: dateNs,
      passed: (bytes) => {
        passed += bytes;
        place.vertex.status(watched, passed, undefined, false);
      },
    },
  );
  place.vertex.status(watched, passed, undefined, true);
  let after: CacheQuestion | undefined;
  try {
    await selection.readUnwritten();
    after = question();
    if (after === undefined) throw new Error(`a file of ${operation.text} was never read`);
    const found = await findCached(services, after.key);
    if (found !== undefined) {
      await written.discard();
      return fromRecord(services, after, found);
    }
    await written.adopt();
  } catch (error) {
    await written.discard();
    throw error;
  }
  await trees.note(written.layer, written.listing);
  const made: Made = { layer: written.layer, contentDigest: written.contentDigest };
  return await saveMade(services, state, place, after, made);
}
