import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeDurably } from '../../lib/durable-file.ts';
import { log } from '../../lib/log.ts';
import { hasErrorCode, messageOf } from '../../lib/problem.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import type { ContainerRecord } from '../container-record.ts';

/** What the disk keeps of a container beside its files and its log. */
export interface KeptState {
  record: ContainerRecord;
  /** Somebody stopped or killed it, so that `unless-stopped` doesn't start it again. */
  stoppedByHand: boolean;
}

/** Written into every file, so that a later version can tell. */
const FORMAT = 1;

/**
 * The folder of one container: `container.json`, `upper/` with what it changed, `log/`. It comes into being with its
 * record, and its end begins with the removal of the record: a folder without one is a leftover.
 */
export class ContainerFolder {
  readonly id: string;
  readonly path: string;

  constructor(containers: string, id: string) {
    this.id = id;
    this.path = join(containers, id);
  }

  get upper(): string {
    return join(this.path, 'upper');
  }

  get log(): string {
    return join(this.path, 'log');
  }

  get #record(): string {
    return join(this.path, 'container.json');
  }

  async create(): Promise<void> {
    await mkdir(this.upper, { recursive: true, mode: 0o755 });
  }

  async save(state: KeptState): Promise<void> {
    await writeDurably(this.#record, JSON.stringify({ format: FORMAT, ...state }), 0o600);
  }

  /** The first step of its end: without a record it is a leftover, which `openFolders` finds after a crash. */
  async forget(): Promise<void> {
    await rm(this.#record, { force: true });
    await syncFolder(this.path);
  }

  async remove(): Promise<void> {
    await removeTree(this.path);
  }

  async read(): Promise<KeptState | undefined> {
    let text: string;
    try {
      text = await readFile(this.#record, 'utf8');
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
    return JSON.parse(text) as KeptState;
  }

  /** Out of the way, but not lost: a record that can't be read. */
  async putAside(): Promise<void> {
    await rename(this.path, `${this.path}.unreadable`);
  }
}

/** All containers that are kept, and what is left of those whose creation or removal was interrupted. */
export async function openFolders(containers: string): Promise<{ kept: OpenedFolder[]; leftovers: ContainerFolder[] }> {
  await mkdir(containers, { recursive: true, mode: 0o700 });
  const kept: OpenedFolder[] = [];
  const leftovers: ContainerFolder[] = [];
  for (const name of (await readdir(containers)).sort()) {
    if (!/^[0-9a-f]{64}$/.test(name)) continue;
    const folder = new ContainerFolder(containers, name);
    try {
      const state = await folder.read();
      if (state === undefined) leftovers.push(folder);
      else kept.push({ folder, state });
    } catch (error) {
      log.error({ container: name, error: messageOf(error) }, 'a container can not be read: it is put aside');
      await folder.putAside();
    }
  }
  kept.sort((a, b) => a.state.record.createdAt - b.state.record.createdAt);
  return { kept, leftovers };
}

export interface OpenedFolder {
  folder: ContainerFolder;
  state: KeptState;
}
