import { layerXattrs } from '../../containers/sandbox/overlay-marks.ts';
import type { CopySource } from '../../dockerfile/program.ts';
import { type Digest, digestOf } from '../../images/digest.ts';
import type { Place } from '../../lib/problem.ts';
import type { CopiedFile } from '../cache/key.ts';
import type { ContextFiles } from '../context/context-files.ts';
import { FolderTree } from '../context/folder-tree.ts';
import { MissingSource } from '../context/missing-source.ts';
import { folderContent, NOTHING_EXCLUDED, similarNames } from '../context/select.ts';
import type { SourceEntry, SourceTree } from '../context/source-tree.ts';
import type { OperationServices, StageState } from '../ops/operation.ts';
import type { TreeStack } from '../snapshots/tree-mounts.ts';
import { baseOf } from '../trees/entry.ts';
import { copyTree } from './copy-tree.ts';
import { fileFacts } from './file-facts.ts';

/** The files that a mount takes from the context, a stage or an image. */
export interface BindSource {
  /** Identity of what is mounted, or of more than that: found without unpacking anything. */
  readonly identity: string;
  /** By name, where they are known without unpacking: files of a context. */
  readonly files: readonly CopiedFile[];
  /** Where `identity` says more than was asked for: the content of what is mounted alone. */
  exact?(): Promise<string>;
  /** Its trees on disk, the topmost first, and what is meant in them. */
  open(): Promise<TreeStack & { path: string }>;
}

/**
 * @param source below the root of `from`
 * @throws Problem MissingSource when a context has no such path, or its rules exclude it
 */
export async function bindSource(
  from: CopySource,
  source: string,
  place: Place,
  services: OperationServices,
): Promise<BindSource> {
  switch (from.kind) {
    case 'context':
      return await filesSource(services.context, source, place, services);
    case 'stage':
      return layersSource(await services.stage(from.index), source, place, services, source !== '');
    case 'image':
      return layersSource(await services.image(from.reference, place), source, place, services, false);
    case 'named': {
      const named = await services.namedContext(from.name, place);
      return named.kind === 'files'
        ? await filesSource(named.files, source, place, services)
        : layersSource(named.state, source, place, services, false);
    }
  }
}

async function filesSource(
  files: ContextFiles,
  source: string,
  place: Place,
  { mounts, signal }: OperationServices,
): Promise<BindSource> {
  const { tree, exclusion, index } = files;
  const root = tree.find(source, true);
  const isExcluded = root !== undefined && root.type !== 'folder' && exclusion.excludes(root.path);
  if (root === undefined || isExcluded) throw missing(tree, source, place, files.whyExcluded(source));
  const content = root.type === 'folder' ? folderContent(tree, root.path, exclusion) : [];
  if (root.type === 'folder' && content.length === 0 && source !== '' && exclusion.excludes(root.path))
    throw missing(tree, source, place, files.whyExcluded(source));
  const shown = [root, ...content];
  const facts = await fileFacts(tree, root.path, shown, index, signal);
  return {
    identity: contentIdentity(facts),
    files: facts,
    async open() {
      // times are no part of a key, but a command sees them: a copy with others is another copy
      const times = shown.map(({ mtimeNs }) => String(mtimeNs));
      const id = digestOf(JSON.stringify(['context-copy', facts.map((file) => [file.path, ...file.facts]), times]));
      const release = await mounts.store.lease([id]);
      try {
        const folder = await mounts.store.make(id, (made) => copyTree(tree, root, content, made, signal));
        return { lowers: [folder], path: root.type === 'folder' ? '' : baseOf(root.path), release };
      } catch (error) {
        await release();
        throw error;
      }
    },
  };
}

function layersSource(
  { layers, chain }: StageState,
  source: string,
  place: Place,
  { mounts, signal }: OperationServices,
  isStage: boolean,
): BindSource {
  return {
    identity: JSON.stringify([chain, source]),
    files: [],
    // another result of a stage may well have the same files at this path; an image's other version rarely has
    ...(isStage ? { exact: () => mounts.view(layers, signal, (view) => contentAt(view, source, place, signal)) } : {}),
    open: async () => ({ ...(await mounts.stack(layers, signal)), path: source }),
  };
}

async function contentAt(view: string, source: string, place: Place, signal: AbortSignal): Promise<Digest> {
  const tree = new FolderTree(view, { foreign: false, readXattrs: layerXattrs });
  try {
    const root = entryAt(tree, source, place);
    const content = root.type === 'folder' ? folderContent(tree, root.path, NOTHING_EXCLUDED) : [];
    const facts = await fileFacts(tree, root.path, [root, ...content], undefined, signal);
    return contentIdentity(facts);
  } finally {
    tree.close();
  }
}

function contentIdentity(files: readonly CopiedFile[]): Digest {
  return digestOf(JSON.stringify(files.map((file) => [file.path, ...file.facts])));
}

/** What lies at a path, links followed inside the tree. @throws MissingSource */
export function entryAt(tree: SourceTree, source: string, place: Place): SourceEntry {
  const entry = tree.find(source, true);
  if (entry === undefined) throw missing(tree, source, place);
  return entry;
}

function missing(tree: SourceTree, source: string, place: Place, why?: string): MissingSource {
  const similar = similarNames(tree, source);
  return new MissingSource(`RUN --mount failed: ${JSON.stringify(`/${source}`)}: not found`, source, {
    place,
    hint: why ?? (similar.length === 0 ? undefined : `Did you mean ${similar.join(' or ')}?`),
  });
}
