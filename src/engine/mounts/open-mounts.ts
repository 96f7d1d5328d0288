import { mkdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { ContainerMount } from '../../containers/container.ts';
import { Teardown } from '../../containers/sandbox/teardown.ts';
import type { CacheMount, SecretMount } from '../../dockerfile/run-mount.ts';
import { Problem } from '../../lib/problem.ts';
import { runOk } from '../../lib/run.ts';
import type { OperationPlace, OperationServices } from '../ops/operation.ts';
import { SECRET_LIMIT } from '../options/secret.ts';
import { relayAgent } from './agent-relay.ts';
import type { BindSource } from './bind-source.ts';
import { CacheFolders, type OpenCache } from './cache-folders.ts';
import type { FoundMount, RunMounts } from './run-mounts.ts';
import { SecretFiles } from './secret-files.ts';
import { SecretMask } from './secret-mask.ts';
import { pinPath, type ShownTree, showTree } from './shown-tree.ts';

/** Mounts ready for a container; whoever opened them closes them, whatever becomes of it. */
export interface OpenMounts {
  mounts: ContainerMount[];
  /** `K=V`, in place of variables of the same name. */
  env: string[];
  mask: SecretMask;
  close(): Promise<void>;
}

/**
 * Opens what the mounts of a RUN show. Everything lies in `folder`, which belongs to this process, so that a sweep finds
 * the mounts of one that died.
 * @throws Problem `not-found` for a required secret that isn't given, or a path that isn't there
 */
export async function openMounts(
  found: RunMounts,
  folder: string,
  place: OperationPlace,
  services: OperationServices,
): Promise<OpenMounts> {
  const opening = new Opening(folder, place, services);
  try {
    return await opening.open(found.found);
  } catch (error) {
    await opening.teardown.run();
    throw error;
  }
}

class Opening {
  readonly teardown = new Teardown();
  readonly #folder: string;
  readonly #place: OperationPlace;
  readonly #services: OperationServices;
  readonly #mounts: ContainerMount[] = [];
  readonly #env: string[] = [];
  readonly #secrets: Uint8Array[] = [];
  readonly #caches = new Map<string, OpenCache>();
  /** Sources that are no folders, besides those of bind mounts. */
  readonly #files = new Set<string>();
  #secretFiles: SecretFiles | undefined;

  constructor(folder: string, place: OperationPlace, services: OperationServices) {
    this.#folder = folder;
    this.#place = place;
    this.#services = services;
  }

  async open(found: readonly FoundMount[]): Promise<OpenMounts> {
    const binds: { target: string; tree: ShownTree }[] = [];
    // caches in one order for all, so that two commands that lock two of them never wait for each other
    const order = [...found.entries()].sort(([a, x], [b, y]) =>
      cacheKey(x) < cacheKey(y) ? -1 : cacheKey(x) > cacheKey(y) ? 1 : a - b,
    );
    for (const [n, each] of order) {
      const own = join(this.#folder, `m${n}`);
      await mkdir(own, { mode: 0o700 });
      const { mount } = each;
      if (mount.type === 'tmpfs') {
        const { target, sizeBytes } = mount;
        this.#mounts.push({
          kind: 'tmpfs',
          target,
          mode: 'covered',
          ...(sizeBytes === undefined ? {} : { sizeBytes }),
        });
      } else if (mount.type === 'secret') await this.#secret(mount);
      else if (mount.type === 'cache') await this.#cache(mount, each, own);
      else if (mount.type === 'ssh') await this.#agent(each, own);
      else if ('source' in each && each.source !== undefined) {
        const { target, readonly, place } = mount;
        const trees = await each.source.open();
        this.teardown.add('lease', trees.release);
        const nested = found.some(({ mount: other }) => isBelow('target' in other ? other.target : undefined, target));
        const tree = await showTree(trees, nested || !readonly, own, place, this.teardown);
        this.#mounts.push({ kind: 'bind', source: tree.path, target, readonly });
        binds.push({ target, tree });
      }
    }
    for (const { target, tree } of binds) await this.#addStubs(target, tree, binds);
    return {
      mounts: this.#mounts,
      env: this.#env,
      mask: new SecretMask(this.#secrets),
      close: () => this.teardown.run(),
    };
  }

  /** What is mounted within a bind mount needs a place there; the place is no more a change than what is mounted. */
  async #addStubs(
    target: string,
    tree: ShownTree,
    binds: readonly { target: string; tree: ShownTree }[],
  ): Promise<void> {
    if (!tree.isFolder) return;
    for (const mount of this.#mounts) {
      if (!isBelow(mount.target, target)) continue;
      const bind = binds.find((other) => other.target === mount.target);
      const isFile = bind === undefined ? mount.kind === 'bind' && this.#files.has(mount.source) : !bind.tree.isFolder;
      await tree.addStub(posix.relative(target, mount.target), isFile ? 'file' : 'folder');
    }
  }

  async #secret(mount: SecretMount): Promise<void> {
    const { id, target, env, required, place } = mount;
    const value = await this.#services.request.secret?.(id);
    if (value === undefined) {
      if (!required) return;
      throw new Problem('not-found', `secret ${id}: not found`, {
        place,
        hint: `Give it to the build: --secret id=${id},src=FILE, or --secret id=${id},env=NAME.`,
      });
    }
    if (value.length > SECRET_LIMIT)
      throw new Problem('invalid', `secret ${id} is longer than ${SECRET_LIMIT >> 10} KiB`, { place });
    this.#secrets.push(value);
    if (env !== undefined) this.#env.push(`${env}=${textOf(value, mount)}`);
    if (target === undefined) return;
    if (this.#secretFiles === undefined) {
      const files = await SecretFiles.open(join(this.#folder, 'secrets'));
      this.#secretFiles = files;
      this.teardown.add('secrets', () => files.close());
    }
    const source = await this.#secretFiles.add(value, mount);
    this.#files.add(source);
    this.#mounts.push({ kind: 'bind', source, target, readonly: true, inert: true });
  }

  async #agent(found: FoundMount, own: string): Promise<void> {
    if (!('agent' in found)) return;
    const { id, target, owner, required, place } = found.mount;
    if (found.agent === undefined && required)
      throw new Problem('not-found', `no SSH key ${JSON.stringify(id)} forwarded from the client`, {
        place,
        hint: `Give the build an agent: --ssh ${id}, or --ssh ${id}=KEYFILE.`,
      });
    // the first one is meant, and also where nobody listens: BuildKit's rule
    if (!this.#env.some((pair) => pair.startsWith('SSH_AUTH_SOCK='))) this.#env.push(`SSH_AUTH_SOCK=${target}`);
    if (found.agent === undefined) return;
    const source = join(own, 'agent');
    const relay = await relayAgent(source, found.agent, owner);
    this.teardown.add('ssh agent', () => relay.close());
    this.#files.add(source);
    this.#mounts.push({ kind: 'bind', source, target, readonly: false });
  }

  async #cache(mount: CacheMount, found: FoundMount, own: string): Promise<void> {
    const { source, target, readonly, place } = mount;
    const seed = 'source' in found ? found.source : undefined;
    const cache = await this.#openCache(mount, seed, cacheKey(found), own);
    const from =
      seed !== undefined || source === ''
        ? cache.data
        : await pinPath(cache.data, source, join(own, 'at'), place, this.teardown);
    this.#mounts.push({ kind: 'bind', source: from, target, readonly });
  }

  /** A command that mounts one cache twice must not wait for itself. */
  async #openCache(mount: CacheMount, seed: BindSource | undefined, key: string, own: string): Promise<OpenCache> {
    const { id, sharing, owner } = mount;
    const known = this.#caches.get(key);
    if (known !== undefined && sharing !== 'private') return known;
    const { deps, caller, signal, mounts } = this.#services;
    const cache = await new CacheFolders(mounts.store.folder('caches'), deps.flights).open(
      { project: caller.project, id, sharing, owner, seed: seed?.identity ?? '' },
      (data) => (seed === undefined ? Promise.resolve() : this.#fill(data, seed, mount, own)),
      () => this.#place.vertex.note(`waiting for the cache mount ${id.replace(/^\//, '')}, which another build uses`),
      signal,
    );
    this.teardown.add('cache mount', () => cache.release());
    this.#caches.set(key, cache);
    return cache;
  }

  /** Copies the beginning of a new cache, with owners and attributes; one that is a file gets its name in it. */
  async #fill(data: string, seed: BindSource, { place }: CacheMount, own: string): Promise<void> {
    const teardown = new Teardown();
    try {
      const trees = await seed.open();
      teardown.add('lease', trees.release);
      const tree = await showTree(trees, false, own, place, teardown);
      const { signal } = this.#services;
      await runOk('cp', ['-a', '--reflink=auto', '--', tree.isFolder ? `${tree.path}/.` : tree.path, data], { signal });
    } finally {
      await teardown.run();
    }
  }
}

/** Equal for two mounts of one cache; empty for what is no cache. */
function cacheKey(found: FoundMount): string {
  const { mount } = found;
  if (mount.type !== 'cache') return '';
  return JSON.stringify([mount.id, mount.owner ?? '', 'source' in found ? (found.source?.identity ?? '') : '']);
}

function isBelow(target: string | undefined, folder: string): boolean {
  return target?.startsWith(`${folder}/`) === true;
}

function textOf(value: Uint8Array, { id, place }: SecretMount): string {
  const text = Buffer.from(value).toString('utf8');
  if (!text.includes('\0')) return text;
  throw new Problem('invalid', `secret ${id} holds a zero byte, which no variable can`, {
    place,
    hint: 'Mount it as a file: leave env= away.',
  });
}
