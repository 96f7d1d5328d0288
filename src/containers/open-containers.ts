import { randomBytes } from 'node:crypto';
import { log } from '../lib/log.ts';
import { messageOf, Problem } from '../lib/problem.ts';
import { attachClient } from './attach/attach-client.ts';
import { parseDetachKeys } from './attach/detach-keys.ts';
import type { AttachedClient } from './attached-client.ts';
import type { ContainerUsage, Limits, TerminalSize } from './container.ts';
import type { ContainerRecord } from './container-record.ts';
import type { ContainerRequest } from './container-request.ts';
import type { Containers, LogOptions, WaitCondition } from './containers.ts';
import { createRecord, letGoOfVolumes } from './create/create-record.ts';
import { KeptExecs } from './execs/kept-execs.ts';
import { changesOf } from './files/changes.ts';
import { KeptFiles } from './files/kept-files.ts';
import { upperSize } from './files/upper-size.ts';
import { ContainerFolder, openFolders } from './kept/container-folder.ts';
import { ContainerIndex } from './kept/container-index.ts';
import { KeptContainer } from './life/kept-container.ts';
import type { Surroundings } from './life/surroundings.ts';
import { readLog } from './logs/read-log.ts';

/** What the containers of a scope are opened with. The volumes and networks are closed by whoever opened them, afterwards. */
export interface ContainersDeps extends Omit<Surroundings, 'find' | 'forget'> {
  /** Of this scope: a folder for each container. On the data folder's file system, as uppers have to be. */
  folder: string;
  /** So many may be there at once, running or not; absent: any number. */
  maxContainers?: number;
}

/**
 * Opens the containers of a scope. What ran when the process that had them ended is `exited` now; those that were to be
 * removed at their end are removed, and those that are to run always begin to start.
 */
export async function openContainers(deps: ContainersDeps): Promise<Containers> {
  const containers = new KeptContainers(deps);
  await containers.reopen();
  return containers;
}

class KeptContainers implements Containers {
  readonly #deps: ContainersDeps;
  readonly #around: Surroundings;
  readonly #index = new ContainerIndex<KeptContainer>();
  readonly execs: KeptExecs;
  readonly files: KeptFiles;
  #creating = 0;
  #closed = false;

  constructor(deps: ContainersDeps) {
    this.#deps = deps;
    const find = (name: string) => this.#index.find(name);
    this.execs = new KeptExecs(find);
    this.files = new KeptFiles(find);
    this.#around = { ...deps, find, forget: (container) => this.#forget(container) };
  }

  async reopen(): Promise<void> {
    const { volumes, images } = this.#deps;
    const { kept, leftovers } = await openFolders(this.#deps.folder);
    for (const folder of leftovers) {
      await images.release(folder.id);
      await folder.remove();
    }
    for (const { folder, state } of kept) {
      const { id, name, mounts } = state.record;
      this.#index.takeName(name, id);
      for (const mount of mounts) if (mount.name !== undefined) volumes.use(mount.name, id);
      this.#index.add(id, new KeptContainer(this.#around, folder, state, false));
    }
    for (const container of this.#index.all()) {
      const next = await container.reopen();
      if (next === 'remove') await container.remove({ volumes: true });
      if (next === 'start') void this.#startAgain(container);
    }
  }

  async #startAgain(container: KeptContainer): Promise<void> {
    try {
      await container.start();
    } catch (error) {
      log.warn({ container: container.id, error: messageOf(error) }, 'a container could not be started again');
    }
  }

  #forget(container: KeptContainer): void {
    this.#index.remove(container.id, container.record.name);
    this.execs.forget(container);
  }

  async create(request: ContainerRequest): Promise<ContainerRecord> {
    this.#mayCreate();
    const id = randomBytes(32).toString('hex');
    if (request.name !== undefined) this.#index.takeName(request.name, id);
    const name = request.name?.replace(/^\//, '') ?? this.#index.takeGeneratedName(id);
    this.#creating++;
    try {
      return await this.#make(id, name, request);
    } catch (error) {
      this.#index.freeName(name);
      throw error;
    } finally {
      this.#creating--;
    }
  }

  #mayCreate(): void {
    if (this.#closed) throw new Problem('unavailable', 'the server is shutting down: no container can be created');
    const { maxContainers } = this.#deps;
    if (maxContainers === undefined || this.#index.size + this.#creating < maxContainers) return;
    throw new Problem('exhausted', `there are ${maxContainers} containers already, which is the most there may be`, {
      hint: 'Remove some with docker rm, or those that have ended with docker container prune.',
    });
  }

  async #make(id: string, name: string, request: ContainerRequest): Promise<ContainerRecord> {
    const { images, volumes, runFolder, clock } = this.#deps;
    const image = await images.rootfs(request.image, new AbortController().signal);
    try {
      const record = await createRecord(request, { id, name, image, volumes, runFolder, clock });
      const folder = new ContainerFolder(this.#deps.folder, id);
      try {
        await folder.create();
        await images.keep(id, image.id);
        await folder.save({ record, stoppedByHand: false });
      } catch (error) {
        await letGoOfVolumes(id, record.mounts, volumes);
        await images.release(id);
        await folder.remove();
        throw error;
      }
      const container = new KeptContainer(this.#around, folder, { record, stoppedByHand: false }, true);
      this.#index.add(id, container);
      container.tell('create');
      return record;
    } finally {
      await image.release();
    }
  }

  get(name: string): ContainerRecord {
    return this.#index.find(name).record;
  }

  list(): ContainerRecord[] {
    return this.#index.all().map(({ record }) => record);
  }

  async start(name: string): Promise<{ alreadyRunning: boolean }> {
    return await this.#index.find(name).start();
  }

  async stop(name: string, seconds?: number): Promise<{ alreadyStopped: boolean }> {
    return await this.#index.find(name).stop(seconds);
  }

  async restart(name: string, seconds?: number): Promise<void> {
    await this.#index.find(name).restart(seconds);
  }

  async kill(name: string, signal = 'SIGKILL'): Promise<void> {
    await this.#index.find(name).kill(signal);
  }

  async pause(name: string): Promise<void> {
    await this.#index.find(name).pause();
  }

  async unpause(name: string): Promise<void> {
    await this.#index.find(name).unpause();
  }

  async rename(name: string, to: string): Promise<void> {
    const container = this.#index.find(name);
    const old = container.record.name;
    if (to === '') throw new Problem('invalid', 'Neither old nor new names may be empty');
    const plain = to.replace(/^\//, '');
    if (plain === old) throw new Problem('invalid', 'Renaming a container with the same name as its current name');
    try {
      this.#index.takeName(`/${plain}`, container.id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      throw new Problem(error.code, `Error when allocating new name: ${error.message}`, { cause: error });
    }
    try {
      await container.rename(plain);
    } catch (error) {
      this.#index.freeName(plain);
      throw error;
    }
    this.#index.freeName(old);
  }

  async update(name: string, limits: Limits): Promise<void> {
    await this.#index.find(name).update(limits);
  }

  resize(name: string, size: TerminalSize): void {
    this.#index.find(name).resize(size);
  }

  async remove(name: string, options: { force?: boolean; volumes?: boolean } = {}): Promise<void> {
    await this.#index.find(name).remove(options);
  }

  async wait(name: string, condition: WaitCondition): Promise<{ code: number; error?: string }> {
    return await this.#index.find(name).wait(condition);
  }

  async attach(name: string, client: AttachedClient, signal: AbortSignal): Promise<void> {
    const container = this.#index.find(name);
    parseDetachKeys(client.detachKeys);
    const { terminal, openStdin, stdinOnce } = container.record.request;
    const { run } = container;
    const attached = attachClient(
      { log: container.log(), run, terminal, openStdin, stdinOnce },
      client,
      AbortSignal.any([signal, container.gone]),
    );
    run.attached(attached);
    container.tell('attach');
    if ((await attached) === 'detached') container.tell('detach');
  }

  async *logs(name: string, options: LogOptions, signal: AbortSignal): AsyncIterable<Buffer> {
    const container = this.#index.find(name);
    const { run } = container;
    const last = container.started === undefined;
    const log = await container.log();
    const { until } = options;
    const ends = [signal, container.gone];
    // who follows until some time does not wait longer for lines that don't come
    if (options.follow && until !== undefined) {
      ends.push(AbortSignal.timeout(Math.max(0, until - this.#deps.clock.now())));
    }
    const end = log.end;
    yield* readLog(log, options, container.record.request.terminal, {
      until: () => (last ? end : run.endsAt),
      signal: AbortSignal.any(ends),
    });
  }

  async processes(name: string): Promise<number[]> {
    return await this.#index.find(name).mustRun().processes();
  }

  async usage(name: string): Promise<ContainerUsage> {
    return await this.#index.find(name).mustRun().usage();
  }

  async changes(name: string): ReturnType<Containers['changes']> {
    const container = this.#index.find(name);
    const image = await container.image();
    try {
      return await changesOf(container.folder.upper, image.lowers);
    } finally {
      await image.release();
    }
  }

  async size(name: string): Promise<number> {
    return await upperSize(this.#index.find(name).folder.upper);
  }

  async withFiles<T>(
    name: string,
    pause: boolean,
    work: (files: { upper: string; lowers: string[] }) => Promise<T>,
  ): Promise<T> {
    const container = this.#index.find(name);
    return await container.withFiles(pause, work);
  }

  async close(options: { drop?: boolean; seconds?: number } = {}): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#index.all().map((container) => container.close(options.seconds ?? 0)));
    if (options.drop !== true) return;
    for (const container of this.#index.all()) await container.remove({ force: true, volumes: true });
  }
}
