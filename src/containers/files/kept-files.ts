import { closeSync, constants, fstatSync } from 'node:fs';
import { O_PATH } from '../../kernel/openat2.ts';
import { openBelow, selfFd } from '../../kernel/rooted.ts';
import { abortable } from '../../lib/abortable.ts';
import { orCancelled } from '../../lib/cancelled.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { ContainerFiles, PathStat, WriteOptions } from '../container-files.ts';
import type { KeptContainer } from '../life/kept-container.ts';
import { lookUpUser } from '../sandbox/user.ts';
import type { ContainerRoot } from './container-root.ts';
import { namedPath, notFound, pathStat, statIn } from './path-stat.ts';
import { readArchive } from './read-archive.ts';
import { writeArchive } from './write-archive.ts';

/** `docker cp`. */
export class KeptFiles implements ContainerFiles {
  readonly #find: (name: string) => KeptContainer;

  constructor(find: (name: string) => KeptContainer) {
    this.#find = find;
  }

  async stat(name: string, path: string): Promise<PathStat> {
    const container = this.#find(name);
    return await container.files.use(async (root) => pathStat(root, path, statIn(root, path, name)));
  }

  async read(name: string, path: string, signal: AbortSignal): Promise<{ stat: PathStat; tar: AsyncIterable<Buffer> }> {
    const container = this.#find(name);
    const end = AbortSignal.any([signal, container.gone]);
    const { root, letGo } = await hold(container.files);
    // whoever never begins to read ends it by the signal
    end.addEventListener('abort', letGo, { once: true });
    if (end.aborted) letGo();
    try {
      const stat = pathStat(root, path, statIn(root, path, name));
      container.tell('archive-path');
      return { stat, tar: readHeld(root, path, end, letGo) };
    } catch (error) {
      letGo();
      throw error;
    }
  }

  async write(name: string, path: string, tar: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void> {
    const container = this.#find(name);
    await container.files.use(async (root) => {
      const folder = realFolder(root, path, name);
      const { user } = container.record.process;
      const owner = options.copyUidGid && user !== '' ? await lookUpUser(selfFd(root), user) : undefined;
      const target = { root, folder, owner, keepKinds: options.noOverwriteDirNonDir, disk: container.folder.path };
      try {
        await writeArchive(abortable(tar, container.gone), target, container.gone);
      } catch (error) {
        if (!hasErrorCode(error, 'EROFS')) throw orCancelled(error, container.gone);
        throw new Problem('denied', readOnlyWords(root, folder), { cause: error });
      }
    });
    container.tell('extract-to-dir');
  }
}

async function* readHeld(
  root: number,
  path: string,
  signal: AbortSignal,
  letGo: () => void,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* readArchive(root, path, signal);
  } finally {
    letGo();
  }
}

/** The root for longer than a call. */
function hold(files: ContainerRoot): Promise<{ root: number; letGo: () => void }> {
  return new Promise((resolve, reject) => {
    files.use((root) => new Promise<void>((letGo) => resolve({ root, letGo }))).catch(reject);
  });
}

/** @returns the path as it was named: links in it are followed by the kernel each time */
function realFolder(root: number, text: string, name: string): string {
  const { path } = namedPath(text);
  try {
    closeSync(openBelow(root, path, O_PATH | constants.O_DIRECTORY));
    return path;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ELOOP')) throw notFound(text, name);
    if (!hasErrorCode(error, 'ENOTDIR')) throw error;
    throw new Problem('invalid', 'extraction point is not a directory', { cause: error });
  }
}

function readOnlyWords(root: number, folder: string): string {
  const fd = openBelow(root, folder, O_PATH);
  try {
    const isRoot = fstatSync(fd).dev === fstatSync(root).dev;
    return isRoot ? 'container rootfs is marked read-only' : 'mounted volume is marked read-only';
  } finally {
    closeSync(fd);
  }
}
