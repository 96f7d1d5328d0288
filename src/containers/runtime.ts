import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, Problem } from '../lib/problem.ts';
import type {
  BridgeNetwork,
  ContainerExit,
  ContainerIo,
  ContainerRuntime,
  ContainerSpec,
  SweepReport,
} from './container.ts';
import { missingForContainers, probeMachine } from './probe.ts';
import { createBridge } from './sandbox/bridge.ts';
import {
  controllerRoot,
  type Hierarchy,
  isUnified,
  killGroup,
  oomKills,
  readHierarchies,
  removeGroup,
} from './sandbox/cgroup.ts';
import { fillInitLayer } from './sandbox/init-layer.ts';
import { ownCapabilities } from './sandbox/insecure.ts';
import { resourcesFor } from './sandbox/limits.ts';
import { mountMemory, unmountMemory } from './sandbox/memory-folder.ts';
import { mountPointsOf } from './sandbox/mount-points.ts';
import { joinNetwork } from './sandbox/network.ts';
import { mountOverlay, unmountOverlay, withReadOnlyView } from './sandbox/overlay.ts';
import { groupOf, makeRunFolder, type RunFolder, removeRunFolder } from './sandbox/run-folder.ts';
import { refusal, runRunc } from './sandbox/runc.ts';
import { runtimeConfig } from './sandbox/spec.ts';
import { DEFAULT_SUBNETS } from './sandbox/subnets.ts';
import { sweep } from './sandbox/sweep.ts';
import { Teardown } from './sandbox/teardown.ts';
import { type ContainerUser, lookUpUser } from './sandbox/user.ts';

export interface RuntimeOptions {
  /** The data folder; containers live in `run` below it, and uppers have to be on its file system. */
  dataFolder: string;
  /** Names what we make outside of it (cgroups, bridges), so that two data folders on one machine never sweep each other's. */
  tag: string;
  /** Where the folders of running containers are; `<dataFolder>/run` when absent. */
  runFolder?: string;
  /** Whether `host` is a network that callers may ask for. */
  allowHostNetwork: boolean;
  /** Whether they may ask for containers with `security: 'insecure'`; absent: they may not. */
  allowInsecure?: boolean;
  /** Processes and threads of a container that names no limit of its own, where the kernel counts them; absent: any number. */
  maxProcesses?: number;
  /** Private ranges in CIDR form that bridges take their /24 from. */
  subnets?: string[];
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Containers by runc. What a start costs (`true`, two busy cores, medians): without network 55 ms, of which runc takes 40
 * (8 of them for compiling the seccomp filter, see seccomp.ts), the init layer 4, overlay and user 2, the end 6; on a bridge
 * 20 ms more, for two spawned tools. `unshare` and chroot alone would take 5 ms: so nothing is run that is only metadata.
 */
export function createRuntime(options: RuntimeOptions): ContainerRuntime {
  return new RuncRuntime(options);
}

class RuncRuntime implements ContainerRuntime {
  readonly #options: RuntimeOptions;
  readonly #runFolder: string;
  #checked: Promise<void> | undefined;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#runFolder = options.runFolder ?? join(options.dataFolder, 'run');
  }

  async run(spec: ContainerSpec, io: ContainerIo): Promise<ContainerExit> {
    this.#check(spec);
    await this.#ready();
    if (io.signal.aborted) throw new Problem('cancelled', `container ${spec.id}: cancelled before it began`);
    const teardown = new Teardown();
    try {
      return await this.#runInside(spec, io, teardown);
    } finally {
      await teardown.run();
    }
  }

  /** The life of a container, in the order in which things are made; `teardown` knows how each is taken back. */
  async #runInside(spec: ContainerSpec, io: ContainerIo, teardown: Teardown): Promise<ContainerExit> {
    const folder = await makeRunFolder(this.#runFolder, 'container', spec.id);
    teardown.add('folder', () => removeRunFolder(folder));
    const path = (name: string) => join(folder.path, name);

    const rootfs = path('rootfs');
    const making = [
      mountRoot(folder, spec, teardown),
      joinNetwork(folder.path, spec, teardown),
      readHierarchies(),
    ] as const;
    await Promise.allSettled(making); // one that fails must not be taken down while another is being made
    const [user, network, hierarchies] = await Promise.all(making);
    const group = groupOf(this.#options.tag, folder);
    teardown.addBeside('cgroup', () => removeGroup(hierarchies, group));
    teardown.add('processes', () => killGroup(hierarchies, group));
    const config = runtimeConfig({
      rootfs,
      args: spec.args,
      env: withDefaults(withSecrets(spec.env, spec.secretEnv ?? []), user.home),
      cwd: spec.cwd,
      user,
      hostname: spec.hostname,
      mounts: spec.mounts,
      nameFiles: network.nameFiles,
      network: network.namespace,
      cgroup: { path: group, unified: isUnified(hierarchies) },
      resources: resourcesFor(this.#limitsOf(spec, hierarchies), hierarchies),
      arch: process.arch,
      ...(spec.security === 'insecure' ? { insecure: { capabilities: ownCapabilities() } } : {}),
    });
    const bundle = spec.secretEnv === undefined ? folder.path : path('secret');
    if (bundle !== folder.path) {
      await mountMemory(bundle);
      teardown.add('configuration', () => unmountMemory(bundle));
    }
    await writeFile(join(bundle, 'config.json'), JSON.stringify(config));

    const result = await runRunc({ id: spec.id, bundle }, io);
    if (result.kind === 'refused') throw refusal(result.message);
    return { code: result.code, outOfMemory: (await oomKills(hierarchies, group)) > 0 };
  }

  /** A limit that somebody asks for is set or an error; the default one is left out where the controller is off. */
  #limitsOf(spec: ContainerSpec, hierarchies: Hierarchy[]): NonNullable<ContainerSpec['limits']> {
    const { maxProcesses } = this.#options;
    const byDefault = maxProcesses !== undefined && controllerRoot(hierarchies, 'pids') !== undefined;
    return { ...(byDefault ? { pids: maxProcesses } : {}), ...spec.limits };
  }

  async createNetwork(owner: string): Promise<BridgeNetwork> {
    return await createBridge({
      runFolder: this.#runFolder,
      tag: this.#options.tag,
      subnets: this.#options.subnets ?? DEFAULT_SUBNETS,
      owner,
    });
  }

  async sweep(): Promise<SweepReport> {
    const { dataFolder, tag } = this.#options;
    return await sweep({ dataFolder, runFolder: this.#runFolder, tag });
  }

  async probe(): Promise<string[]> {
    return await probeMachine(this.#runFolder);
  }

  #check(spec: ContainerSpec): void {
    if (!/^[a-z0-9-]{1,40}$/.test(spec.id)) throw new Problem('invalid', `container id ${JSON.stringify(spec.id)}`);
    if (!spec.cwd.startsWith('/')) throw new Problem('invalid', `the working folder ${spec.cwd} is not absolute`);
    if (spec.args.length === 0) throw new Problem('invalid', 'no command specified');
    if (spec.security === 'insecure' && this.#options.allowInsecure !== true) {
      throw new Problem('denied', 'security=insecure is not allowed on this server', {
        hint: 'Its owner can allow it with builds.allowInsecure in slipway.yaml.',
      });
    }
    if (spec.network.kind === 'host' && !this.#options.allowHostNetwork) {
      throw new Problem('denied', 'network=host is not allowed on this server', {
        hint: 'Its owner can allow it in slipway.yaml, or leave the network away: a build gets one of its own.',
      });
    }
  }

  /** Looks for the programs once, before the first container; a failure is looked at again the next time. */
  async #ready(): Promise<void> {
    this.#checked ??= missingForContainers().then((missing) => {
      if (missing.length > 0) throw new Problem('unsupported', `containers can't run here: ${missing.join(' ')}`);
    });
    try {
      await this.#checked;
    } catch (error) {
      this.#checked = undefined;
      throw error instanceof Problem ? error : new Problem('unsupported', messageOf(error), { cause: error });
    }
  }
}

/** Everything of the root file system, and who the process is in it. */
async function mountRoot(folder: RunFolder, spec: ContainerSpec, teardown: Teardown): Promise<ContainerUser> {
  const [init, rootfs] = [join(folder.path, 'init'), join(folder.path, 'rootfs')];
  await mkdir(init, { mode: 0o755 });
  await mkdir(rootfs);
  await writeFile(join(folder.path, 'upper'), spec.rootfs.upper); // for the sweep: which work folder a crash leaves
  const points = await mountPointsOf(spec);
  await withReadOnlyView(rootfs, spec.rootfs, async (view) => fillInitLayer(view, init, points));
  const overlay = { lowers: [init, ...spec.rootfs.lowers], upper: spec.rootfs.upper };
  teardown.addBeside('root file system', () => unmountOverlay(rootfs, overlay));
  await mountOverlay(rootfs, overlay);
  return await lookUpUser(rootfs, spec.user);
}

function withSecrets(env: readonly string[], secrets: readonly string[]): string[] {
  const nameOf = (pair: string) => pair.split('=', 1)[0];
  const names = new Set(secrets.map(nameOf));
  return [...env.filter((pair) => !names.has(nameOf(pair))), ...secrets];
}

function withDefaults(env: string[], home: string): string[] {
  const has = (name: string) => env.some((entry) => entry.startsWith(`${name}=`));
  return [...env, ...(has('PATH') ? [] : [DEFAULT_PATH]), ...(has('HOME') ? [] : [`HOME=${home}`])];
}
