import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { syncFolder, writeDurably } from '../../lib/durable-file.ts';
import { log } from '../../lib/log.ts';
import { hasErrorCode, messageOf, Problem } from '../../lib/problem.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import type { ContainerEvent } from '../container-event.ts';
import type { VolumeRecord, Volumes } from '../volumes.ts';

export interface VolumesDeps {
  /** Of this scope: a folder for each volume, named like it. */
  folder: string;
  clock: Clock;
  onEvent: (event: ContainerEvent) => void;
}

/**
 * Volumes as folders: `<name>/volume.json` and `<name>/_data`. The record is written last and removed first, so that a
 * folder without one is what a crash left.
 */
export class KeptVolumes implements Volumes {
  readonly #deps: VolumesDeps;
  readonly #records = new Map<string, VolumeRecord>();
  /** Containers that name a volume, whether they run or not. */
  readonly #users = new Map<string, Set<string>>();
  /** Volumes that are being made or removed. */
  readonly #busy = new Map<string, Promise<unknown>>();

  private constructor(deps: VolumesDeps) {
    this.#deps = deps;
  }

  static async open(deps: VolumesDeps): Promise<KeptVolumes> {
    const volumes = new KeptVolumes(deps);
    await mkdir(deps.folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(deps.folder)) await volumes.#read(name);
    return volumes;
  }

  async #read(name: string): Promise<void> {
    const path = join(this.#deps.folder, name);
    try {
      const { labels, createdAt, anonymous } = JSON.parse(
        await readFile(join(path, 'volume.json'), 'utf8'),
      ) as VolumeRecord;
      this.#records.set(name, { name, labels, createdAt, anonymous, folder: join(path, '_data') });
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) await removeTree(path);
      else log.error({ volume: name, error: messageOf(error) }, 'a volume can not be read: it is left alone');
    }
  }

  async create(name: string | undefined, labels: Record<string, string>): Promise<VolumeRecord> {
    if (name !== undefined) checkName(name);
    const wanted = name ?? randomBytes(32).toString('hex');
    await this.#busy.get(wanted)?.catch(() => undefined);
    const known = this.#records.get(wanted);
    if (known !== undefined) return known;
    const making = this.#make(wanted, labels, name === undefined);
    return await this.#whileBusy(wanted, making);
  }

  async #make(name: string, labels: Record<string, string>, anonymous: boolean): Promise<VolumeRecord> {
    const path = join(this.#deps.folder, name);
    const record: VolumeRecord = {
      name,
      labels,
      createdAt: this.#deps.clock.now(),
      folder: join(path, '_data'),
      anonymous,
    };
    await mkdir(record.folder, { recursive: true, mode: 0o755 });
    await writeDurably(
      join(path, 'volume.json'),
      JSON.stringify({ format: 1, labels, createdAt: record.createdAt, anonymous }),
    );
    await syncFolder(this.#deps.folder);
    this.#records.set(name, record);
    this.#tell('create', name);
    return record;
  }

  get(name: string): VolumeRecord {
    const record = this.#records.get(name);
    if (record === undefined) throw new Problem('not-found', `get ${name}: no such volume`);
    return record;
  }

  list(): VolumeRecord[] {
    return [...this.#records.values()];
  }

  async remove(name: string, force: boolean): Promise<void> {
    await this.#busy.get(name)?.catch(() => undefined);
    if (force && !this.#records.has(name)) return;
    this.get(name);
    const users = this.users(name);
    if (users.length > 0) throw new Problem('conflict', `remove ${name}: volume is in use - [${users.join(', ')}]`);
    this.#records.delete(name);
    await this.#whileBusy(name, this.#delete(name));
    this.#tell('destroy', name);
  }

  /** With its container; not one that a person named, and not one that others use. */
  async removeIfAnonymous(name: string): Promise<void> {
    if (this.#records.get(name)?.anonymous === true && this.users(name).length === 0) await this.remove(name, true);
  }

  async #delete(name: string): Promise<void> {
    const path = join(this.#deps.folder, name);
    await rm(join(path, 'volume.json'), { force: true });
    await removeTree(path);
  }

  async #whileBusy<T>(name: string, work: Promise<T>): Promise<T> {
    this.#busy.set(name, work);
    try {
      return await work;
    } finally {
      this.#busy.delete(name);
    }
  }

  /** The volume of that name, or a new one without, claimed before anybody else can remove it. */
  async createFor(container: string, name: string | undefined): Promise<VolumeRecord> {
    for (;;) {
      const { name: made } = await this.create(name, {});
      const record = this.#records.get(made);
      if (record === undefined) continue; // removed in this moment
      this.use(made, container);
      return record;
    }
  }

  /** Keeps a volume from being removed as long as the container is there. */
  use(name: string, container: string): void {
    const users = this.#users.get(name) ?? new Set<string>();
    this.#users.set(name, users.add(container));
  }

  letGo(name: string, container: string): void {
    const users = this.#users.get(name);
    users?.delete(container);
    if (users?.size === 0) this.#users.delete(name);
  }

  /** Ids of the containers that name it. */
  users(name: string): string[] {
    return [...(this.#users.get(name) ?? [])];
  }

  #tell(action: string, name: string): void {
    this.#deps.onEvent({ type: 'volume', action, id: name, attributes: { driver: 'local' } });
  }
}

function checkName(name: string): void {
  if (name.length === 1) {
    throw new Problem(
      'invalid',
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    );
  }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/.test(name)) {
    throw new Problem(
      'invalid',
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" ` +
        'are allowed. If you intended to pass a host directory, use absolute path',
    );
  }
}
