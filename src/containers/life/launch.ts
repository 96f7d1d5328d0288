import { mkdir } from 'node:fs/promises';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { Network, ProcessIo, StartedContainer, TerminalSize } from '../container.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerFolder } from '../kept/container-folder.ts';
import type { ContainerLog } from '../logs/container-log.ts';
import { hostnameOf, runtimeId, specOf } from './container-spec.ts';
import { inDockersWords } from './refusal-words.ts';
import type { Surroundings } from './surroundings.ts';

/** A container that runs, and what it holds as long as it does. */
export interface Launched {
  process: StartedContainer;
  /** Set when it has; the record may not say so yet. */
  hasEnded: boolean;
  network: ContainerRecord['network'];
  /** Kills it and all that it started. */
  kill(): void;
  /** Gives back what it held; it has ended. */
  leave(): Promise<void>;
}

/**
 * Starts a container from its record: image, network and folders to bind first, then the process. Whatever fails, nothing of
 * it stays.
 * @throws Problem as `ContainerStarter.start`; `not-found`, `conflict` about networks in docker's words
 */
export async function launch(
  record: ContainerRecord,
  folder: ContainerFolder,
  size: TerminalSize,
  log: ContainerLog,
  around: Surroundings,
): Promise<Launched> {
  const end = new AbortController();
  const { terminal, openStdin } = record.request;
  const image = await around.images.rootfs(record.imageId, end.signal);
  let network: Network | undefined;
  let mounted = false;
  const leave = async () => {
    if (network !== undefined) leaveNetwork(record, around);
    if (mounted) tellVolumes('unmount', record, around);
    await image.release();
  };
  try {
    for (const mount of record.request.mounts) {
      if (mount.kind === 'bind' && mount.create) await makeWhereMissing(mount.source);
    }
    network = networkOf(record, around);
    tellVolumes('mount', record, around);
    mounted = true;
    const io: ProcessIo = {
      onStdout: (chunk) => log.append('stdout', chunk),
      onStderr: (chunk) => log.append('stderr', chunk),
      stdin: openStdin,
      ...(terminal ? { terminal: size } : {}),
    };
    const spec = specOf(record, { lowers: image.lowers, upper: folder.upper }, network);
    const process = await around.runtime.start(spec, io, end.signal);
    return {
      process,
      hasEnded: false,
      network: await addressesOf(record, network, process),
      kill: () => end.abort(),
      leave,
    };
  } catch (error) {
    await leave();
    throw inDockersWords(error, 'start');
  }
}

/** A folder, unless something is there: a file or a socket may be bound too. */
async function makeWhereMissing(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    if (!hasErrorCode(error, 'EEXIST')) throw error;
  }
}

function networkOf(record: ContainerRecord, around: Surroundings): Network {
  const asked = record.request.network;
  switch (asked.kind) {
    case 'none':
    case 'host':
      return around.networks.enter(asked.kind, record.id, []);
    case 'named': {
      const names = [record.name, record.id.slice(0, 12), hostnameOf(record), ...asked.aliases];
      return around.networks.enter(asked.name, record.id, [...new Set(names)]);
    }
    case 'container': {
      const other = around.find(asked.name);
      if (other.started === undefined) {
        throw new Problem('conflict', `cannot join network of a non running container: ${other.id}`);
      }
      return { kind: 'container', id: runtimeId(other.id) };
    }
  }
}

function leaveNetwork({ id, request: { network } }: ContainerRecord, around: Surroundings): void {
  if (network.kind === 'container') return;
  around.networks.leave(network.kind === 'named' ? network.name : network.kind, id);
}

function tellVolumes(action: 'mount' | 'unmount', { id, mounts }: ContainerRecord, around: Surroundings): void {
  for (const { kind, name, target, readonly } of mounts) {
    if (kind !== 'volume' || name === undefined) continue;
    const where = { destination: target, propagation: '', 'read/write': String(!readonly) };
    const attributes = { container: id, driver: 'local', ...(action === 'mount' ? where : {}) };
    around.onEvent({ type: 'volume', action, id: name, attributes });
  }
}

async function addressesOf(
  { network: { name } }: ContainerRecord,
  network: Network,
  { address, mac, ports }: StartedContainer,
): Promise<ContainerRecord['network']> {
  if (network.kind !== 'bridge' || address === undefined) return { name };
  const bridge = typeof network.bridge === 'function' ? await network.bridge() : network.bridge;
  return { name, address, gateway: bridge.subnet.replace(/\d+\/\d+$/, '1'), mac, ports: [...ports] };
}
