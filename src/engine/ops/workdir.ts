import type { WorkdirOperation } from '../../dockerfile/program.ts';
import { Problem } from '../../lib/problem.ts';
import { valueDigest, workdirKey } from '../key.ts';
import { type LayerItem, writeLayer } from '../layers/write-layer.ts';
import { ancestorsOf, cleanPath } from '../trees/entry.ts';
import { existing } from './copy-plan.ts';
import type { OperationPlace, OperationResult, OperationServices, StageState } from './operation.ts';
import { throughCache } from './through-cache.ts';

/** WORKDIR: makes the folder, root's and 0755, when the tree doesn't have it; else there is no layer. */
export async function makeWorkdir(
  operation: WorkdirOperation,
  state: StageState,
  place: OperationPlace,
  services: OperationServices,
): Promise<OperationResult> {
  const question = {
    key: workdirKey(state.chain, operation),
    text: operation.text,
    inputs: [
      { kind: 'parent', name: 'parent', value: state.chain },
      { kind: 'instruction', name: operation.text, value: valueDigest(operation.path) },
    ],
  };
  return await throughCache(services, state, place, question, async () => {
    const tree = services.trees.tree(state.layers, services.signal);
    const found = await tree.resolve(cleanPath(operation.path), true);
    if (found.entry?.type === 'folder') return {};
    if (found.entry !== undefined)
      throw new Problem('invalid', `mkdir /${found.path}: file exists`, {
        place: operation.place,
        hint: `The image has a ${found.entry.type} where WORKDIR needs a folder.`,
      });
    const items: LayerItem[] = [];
    for (const path of [...ancestorsOf(found.path), found.path]) {
      const below = await tree.lookup(path);
      const made = { path, type: 'folder' as const, mode: 0o755, uid: 0, gid: 0, size: 0, mtimeNs: state.madeNs };
      items.push({ kind: 'entry', entry: below?.type === 'folder' ? existing(path, below) : made });
    }
    const written = await writeLayer(services.deps.content, items, services.signal);
    await written.adopt();
    await services.trees.note(written.layer.diffID, written.listing);
    return { layer: written.layer, contentDigest: written.contentDigest };
  });
}
