import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerMount, ContainerSpec, Limits, PublishedPort, TerminalSize } from '../container.ts';
import { capabilitiesOf } from './capabilities.ts';
import { controllerRoot, type Hierarchy, isUnified, killGroup, readHierarchies, removeGroup } from './cgroup.ts';
import { devicesOf } from './devices.ts';
import { fillInitLayer } from './init-layer.ts';
import { findInit, INIT_TARGET } from './init-program.ts';
import { ownCapabilities } from './insecure.ts';
import { resourcesFor } from './limits.ts';
import { mountMemory, unmountMemory } from './memory-folder.ts';
import { mountPointsOf } from './mount-points.ts';
import { type JoinedNetwork, joinNetwork, type Neighbours } from './network.ts';
import { mountOverlay, unmountOverlay, withReadOnlyView } from './overlay.ts';
import { forwardPort } from './port-forwarder.ts';
import { configText, mergeEnv, type ProcessInput, withDefaults } from './process-config.ts';
import { rlimitsOf } from './rlimits.ts';
import { groupOf, makeRunFolder, type RunFolder, removeRunFolder } from './run-folder.ts';
import { runtimeConfig } from './spec.ts';
import type { Teardown } from './teardown.ts';
import { type ContainerUser, lookUpUser } from './user.ts';

export interface AssemblyOptions {
  runFolder: string;
  tag: string;
  /** Of a container that names no limit of its own, where the kernel counts them. */
  maxProcesses: number | undefined;
  /** Of this process, for those that share a network. */
  neighbours: Neighbours;
  /** The cgroup that its own is below, which others share; empty when it has none. */
  group: string;
}

/** A container of which everything is made but its process. */
export interface Assembly {
  spec: ContainerSpec;
  /** Its folder. */
  folder: string;
  /** Folder with config.json and runc's own state. */
  bundle: string;
  hierarchies: Hierarchy[];
  group: string;
  network: JoinedNetwork;
  ports: readonly PublishedPort[];
  process: ProcessInput;
  sharesProcesses: boolean;
}

/** Makes things in their order; `teardown` knows how each is taken back. */
export async function assemble(
  spec: ContainerSpec,
  terminal: TerminalSize | undefined,
  options: AssemblyOptions,
  teardown: Teardown,
): Promise<Assembly> {
  const folder = await makeRunFolder(options.runFolder, 'container', spec.id);
  teardown.add('folder', () => removeRunFolder(folder));
  const mounts = spec.init === true ? [...spec.mounts, await initMount()] : spec.mounts;
  const making = [
    mountRoot(folder, spec, mounts, teardown),
    joinNetwork(folder.path, spec, options.neighbours, teardown),
    readHierarchies(),
    devicesOf(spec.devices ?? []),
  ] as const;
  await Promise.allSettled(making); // one that fails must not be taken down while another is being made
  const [user, network, hierarchies, devices] = await Promise.all(making);
  const group = `${options.group}${groupOf(options.tag, folder)}`;
  teardown.addBeside('cgroup', () => removeGroup(hierarchies, group));
  teardown.add('processes', () => killGroup(hierarchies, group));

  const ports = await publish(spec.ports ?? [], network.address, teardown);
  const process = processOf(spec, user, terminal);
  const insecure = spec.security === 'insecure';
  const shared = spec.shared ?? [];
  const config = runtimeConfig({
    rootfs: rootfsOf(folder.path),
    readonlyRootfs: spec.readonlyRootfs ?? false,
    process,
    hostname: spec.hostname,
    mounts: {
      mounts,
      nameFiles: network.nameFiles,
      shmBytes: spec.shmBytes,
      sharedIpc: shared.includes('ipc'),
      insecure,
    },
    network: network.namespace,
    shared,
    cgroup: { path: group, unified: isUnified(hierarchies) },
    resources: resourcesFor(limitsOf(spec, options.maxProcesses, hierarchies), hierarchies),
    devices,
    sysctls: spec.sysctls ?? {},
    arch: globalThis.process.arch,
    unconfined: spec.unconfined ?? false,
    insecure,
  });
  const bundle = spec.secretEnv === undefined ? folder.path : join(folder.path, 'secret');
  if (bundle !== folder.path) {
    await mountMemory(bundle);
    teardown.add('configuration', () => unmountMemory(bundle));
  }
  await writeFile(join(bundle, 'config.json'), configText(config));
  const sharesProcesses = shared.includes('pid');
  return { spec, folder: folder.path, bundle, hierarchies, group, network, ports, process, sharesProcesses };
}

async function publish(
  wanted: readonly PublishedPort[],
  address: string | undefined,
  teardown: Teardown,
): Promise<PublishedPort[]> {
  const ports: PublishedPort[] = [];
  if (address === undefined) return ports;
  for (const port of wanted) {
    const forwarded = await forwardPort(port, address);
    teardown.addBeside('published port', () => forwarded.close());
    ports.push(forwarded.port);
  }
  return ports;
}

async function initMount(): Promise<ContainerMount> {
  return { kind: 'bind', source: await findInit(), target: INIT_TARGET, readonly: true };
}

function processOf(spec: ContainerSpec, user: ContainerUser, terminal: TerminalSize | undefined): ProcessInput {
  return {
    args: spec.init === true ? [INIT_TARGET, '--', ...spec.args] : spec.args,
    env: withDefaults(mergeEnv(spec.env, spec.secretEnv ?? []), user.home, terminal !== undefined),
    cwd: spec.cwd,
    user,
    capabilities: spec.security === 'insecure' ? ownCapabilities() : capabilitiesOf(spec.capabilities),
    noNewPrivileges: spec.noNewPrivileges ?? false,
    rlimits: rlimitsOf(spec.ulimits ?? []),
    terminal,
  };
}

/** A limit that somebody asks for is set or an error; the default one is left out where the controller is off. */
function limitsOf(spec: ContainerSpec, maxProcesses: number | undefined, hierarchies: Hierarchy[]): Limits {
  const byDefault = maxProcesses !== undefined && controllerRoot(hierarchies, 'pids') !== undefined;
  return { ...(byDefault ? { pids: maxProcesses } : {}), ...spec.limits };
}

function rootfsOf(folder: string): string {
  return join(folder, 'rootfs');
}

/** Everything of the root file system, and who the process is in it. */
async function mountRoot(
  folder: RunFolder,
  spec: ContainerSpec,
  mounts: readonly ContainerMount[],
  teardown: Teardown,
): Promise<ContainerUser> {
  const [init, rootfs] = [join(folder.path, 'init'), rootfsOf(folder.path)];
  await mkdir(init, { mode: 0o755 });
  await mkdir(rootfs);
  await writeFile(join(folder.path, 'upper'), spec.rootfs.upper); // for the sweep: which work folder a crash leaves
  const points = await mountPointsOf(mounts);
  await withReadOnlyView(rootfs, spec.rootfs, async (view) => fillInitLayer(view, init, points));
  const overlay = { lowers: [init, ...spec.rootfs.lowers], upper: spec.rootfs.upper };
  teardown.addBeside('root file system', () => unmountOverlay(rootfs, overlay));
  await mountOverlay(rootfs, overlay);
  return await lookUpUser(rootfs, spec.user, spec.extraGroups);
}
