import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isGitSource, isRemoteSource } from '../../dockerfile/interpret/remote-source.ts';
import type { CopyOperation } from '../../dockerfile/program.ts';
import { Problem } from '../../lib/problem.ts';
import { FolderTree } from '../context/folder-tree.ts';
import type { SourceTree } from '../context/source-tree.ts';
import { FetchedFile } from '../sources/fetched-file.ts';
import { parseGitUrl } from '../sources/git-url.ts';
import { shownUrl } from '../sources/shown-url.ts';
import type { OperationPlace, OperationServices } from './operation.ts';

/** One address of an ADD: known by what it gives before its bytes are here. */
export interface RemoteSource {
  /** Its place among the operation's sources. */
  readonly at: number;
  /** Where it lands relative to the destination. */
  readonly name: string;
  /** For explanations. */
  readonly shown: string;
  /** What identifies its content. */
  facts(): (string | number)[];
  /** Brings the bytes. @returns a tree, to be closed, and the path that is meant in it */
  open(): Promise<{ tree: SourceTree; path: string }>;
}

/** What the addresses among an ADD's sources are now. @throws Problem with the operation's place */
export async function remoteSources(
  operation: CopyOperation,
  place: OperationPlace,
  services: OperationServices,
): Promise<RemoteSource[]> {
  if (operation.kind !== 'add') return [];
  const found: RemoteSource[] = [];
  for (const [at, source] of operation.sources.entries()) {
    if (!isRemoteSource(source)) continue;
    const resolve = isGitSource(source) ? repository : webFile;
    found.push(await withPlace(operation, () => resolve(source, at, operation, place, services)));
  }
  return found;
}

async function webFile(
  url: string,
  at: number,
  operation: CopyOperation,
  { vertex }: OperationPlace,
  { sources, signal }: OperationServices,
): Promise<RemoteSource> {
  const folder = await sources.folder();
  const request = { url, checksum: operation.checksum, signal, watch: vertex.status };
  const file = () => join(folder, randomBytes(4).toString('hex'));
  const first = file();
  let { known, fetched } = await sources.web.look(request, first);
  const { name } = known;
  if (name === undefined && operation.intoFolder)
    throw new Problem('invalid', `cannot determine filename for source ${shownUrl(url)}`, {
      hint: `The address ends in no name. Write the file's name behind ${operation.destination}.`,
    });
  return {
    at,
    name: name ?? 'download',
    shown: shownUrl(url),
    facts: () => {
      sources.materials.noteFile(shownUrl(url), known.digest);
      return ['url', known.digest, known.size];
    },
    open: () =>
      withPlace(operation, async () => {
        let path = first;
        if (!fetched) {
          path = file();
          known = await sources.web.fetch(request, path);
          fetched = true;
        }
        const tree = new FetchedFile(name ?? 'download', known.size, known.modifiedMs, path);
        return { tree, path: tree.entry.path };
      }),
  };
}

async function repository(
  url: string,
  at: number,
  operation: CopyOperation,
  { vertex }: OperationPlace,
  { sources }: OperationServices,
): Promise<RemoteSource> {
  const source = parseGitUrl(url);
  if (operation.checksum !== undefined) source.checksum = operation.checksum;
  if (operation.keepGitDir) source.keepGitDir = true;
  const commit = await sources.git.commit(source);
  vertex.note(`commit ${commit}`);
  sources.materials.noteCommit(source.remote, commit);
  const { subdir = '', keepGitDir = false, submodules = true, remote } = source;
  return {
    at,
    name: '',
    shown: remote,
    // what is checked out is the commit's, wherever it came from; .git alone tells the address
    facts: () => ['git', commit, subdir, String(submodules), keepGitDir ? remote : ''],
    open: () =>
      withPlace(operation, async () => {
        const folder = await sources.git.checkOut(source, commit, await sources.folder());
        return { tree: new FolderTree(folder, { foreign: true }), path: '' };
      }),
  };
}

async function withPlace<T>({ place }: CopyOperation, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem) || error.place !== undefined || error.code === 'cancelled') throw error;
    throw new Problem(error.code, error.message, { place, hint: error.hint, cause: error });
  }
}
