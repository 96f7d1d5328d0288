import type { WorkdirOperation } from '../../dockerfile/program.ts';
import { Problem } from '../../lib/problem.ts';
import { workdirInputs } from '../cache/inputs.ts';
import { workdirKey } from '../cache/key.ts';
import { type LayerItem, writeLayer } from '../layers/write-layer.ts';
import { sourceDateNs } from '../source-date.ts';
import { ancestorsOf, cleanPath } from '../trees/entry.ts';
import { treeEntry } from '../trees/listing.ts';
import type { MergedTree } from '../trees/merged-tree.ts';
import type { OperationPlace, OperationResult, OperationServices, StageState } from './operation.ts';
import { resolveOwner } from './owner.ts';
import { throughCache } from './through-cache.ts';

/**
 * WORKDIR: makes the folder and those above it, 0755, when the tree doesn't have it; else there is no layer. They are the
 * current USER's, as BuildKit has it (the classic builder made them root's, where the user could write nothing), or root's
 * as long as the image doesn't know the user: only a RUN has to find it.
 * @throws Problem `invalid` when a file is in the way
 */
export async function makeWorkdir(
  operation: WorkdirOperation,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
): Promise<OperationResult> {
  const question = {
    key: workdirKey(state.chain, operation),
    text: operation.text,
    inputs: () => workdirInputs(operation, state),
  };
  return await throughCache(services, state, place, question, async () => {
    const tree = services.trees.tree(state.layers, services.signal, place.vertex.status);
    const found = await tree.resolve(cleanPath(operation.path), true);
    if (found.entry?.type === 'folder') return {};
    const owner = await ownerOf(operation, tree);
    const items: LayerItem[] = [];
    for (const path of [...ancestorsOf(found.path), found.path]) {
      const below = await tree.lookup(path);
      if (below !== undefined && below.type !== 'folder')
        throw new Problem('invalid', `mkdir /${found.path}: /${path} is not a folder`, {
          place: operation.place,
          hint: `The image has a ${below.type} where WORKDIR needs a folder.`,
        });
      const made = { path, type: 'folder' as const, mode: 0o755, ...owner, size: 0, mtimeNs: state.madeNs };
      items.push({ kind: 'entry', entry: below?.type === 'folder' ? treeEntry(path, below) : made });
    }
    const written = await writeLayer(services.deps.content, items, services.signal, {
      latestNs: sourceDateNs(services.request.buildArgs),
    });
    await written.adopt();
    await services.trees.note(written.layer, written.listing);
    return { layer: written.layer, contentDigest: written.contentDigest };
  });
}

async function ownerOf({ user, place }: WorkdirOperation, tree: MergedTree): Promise<{ uid: number; gid: number }> {
  try {
    return await resolveOwner(user, tree, place);
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return { uid: 0, gid: 0 };
    throw error;
  }
}
