import { closeSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mount } from '../../kernel/mount.ts';
import { makeNetworkNamespace } from '../../kernel/network-namespace.ts';
import { selfFd } from '../../kernel/rooted.ts';
import { hasErrorCode, messageOf, Problem } from '../../lib/problem.ts';
import type { BridgeNetwork, ContainerSpec } from '../container.ts';
import type { MountInput } from './mount-config.ts';
import { hostsFile, nameserversOf, resolvConfOf, resolvConfWith } from './name-files.ts';
import { ownAddresses, sortNameservers } from './nameservers.ts';
import { unmountIfMounted } from './overlay.ts';
import type { SpecInput } from './spec.ts';
import { addressIn, formatRange, macOf, parseRange } from './subnets.ts';
import type { Teardown } from './teardown.ts';
import { deleteLink, plugIntoBridge } from './veth.ts';

export interface JoinedNetwork {
  namespace: SpecInput['network'];
  nameFiles: NameFiles;
  /** On a bridge. */
  address?: string;
}

export type NameFiles = MountInput['nameFiles'];

/** Running containers of this process by their ids; `pid` is one in the namespace, in the numbers of this machine. */
export type Neighbours = ReadonlyMap<string, { pid: number; network: JoinedNetwork }>;

/**
 * Makes a container's network and the files that name things in it, in its folder. On a bridge it is a namespace of its own,
 * held by a mount on `<folder>/netns`, with one end of a veth pair in it.
 */
export async function joinNetwork(
  folder: string,
  spec: ContainerSpec,
  neighbours: Neighbours,
  teardown: Teardown,
): Promise<JoinedNetwork> {
  if (spec.network.kind === 'container') return await shareNetwork(folder, spec.network.id, neighbours, teardown);
  const nameFiles = {
    resolvConf: join(folder, 'resolv.conf'),
    hosts: join(folder, 'hosts'),
    hostname: join(folder, 'hostname'),
  };
  const machine = await readIfThere('/etc/resolv.conf');
  let namespace: SpecInput['network'] = spec.network.kind === 'host' ? { kind: 'host' } : { kind: 'own' };
  let resolvConf = machine;
  let address: string | undefined;
  if (spec.network.kind === 'bridge') {
    const bridge = typeof spec.network.bridge === 'function' ? await spec.network.bridge() : spec.network.bridge;
    const path = join(folder, 'netns');
    address = await plugIn(path, bridge, folder, teardown);
    namespace = { kind: 'joined', path };
    await registerNames(spec.network.names ?? [], address, bridge, teardown);
    resolvConf = resolvConfOn(bridge, machine);
  }
  if (spec.dns !== undefined) resolvConf = resolvConfOf(spec.dns, resolvConf);
  const hosts = hostsFile({ hostname: spec.hostname, address, extraHosts: spec.extraHosts ?? [] });
  await Promise.all([
    writeReadable(nameFiles.resolvConf, resolvConf),
    writeReadable(nameFiles.hostname, `${spec.hostname}\n`),
    writeReadable(nameFiles.hosts, hosts),
  ]);
  return { namespace, nameFiles, ...(address === undefined ? {} : { address }) };
}

/** The namespace stays when that container ends, since a mount of our own holds it. */
async function shareNetwork(
  folder: string,
  id: string,
  neighbours: Neighbours,
  teardown: Teardown,
): Promise<JoinedNetwork> {
  const neighbour = neighbours.get(id);
  if (neighbour === undefined) {
    throw new Problem('conflict', `cannot join network of a non running container: ${id}`);
  }
  const { network, pid } = neighbour;
  if (network.namespace.kind === 'host') return network;
  const path = join(folder, 'netns');
  await writeFile(path, '');
  teardown.addBeside('network namespace', () => unmountIfMounted(path));
  await mount({ source: `/proc/${pid}/ns/net`, target: path, type: '', flags: ['bind'] });
  return { ...network, namespace: { kind: 'joined', path } };
}

async function registerNames(
  names: readonly string[],
  address: string,
  bridge: BridgeNetwork,
  teardown: Teardown,
): Promise<void> {
  const forget = names.length === 0 ? undefined : await bridge.resolver?.register(names, address);
  if (forget !== undefined) teardown.addBeside('names', async () => forget());
}

/** Its containers ask the bridge's own nameserver, if it has one, else those of this machine. */
function resolvConfOn({ resolver }: BridgeNetwork, machine: string): string {
  const own = resolver?.nameserver;
  if (own === undefined) {
    return resolvConfWith(machine, sortNameservers(nameserversOf(machine), ownAddresses()).direct);
  }
  const text = resolvConfWith(machine, [own]);
  // a name without dots is tried as it is before search domains are, for it may be a container's; docker sets the same
  return /^options\b/m.test(text) ? text : `${text}options ndots:0\n`;
}

/** For every user of the container, whatever umask the server was started with. */
async function writeReadable(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o644);
}

/** The last address of a subnet is for broadcasts, 0 its own, 1 the bridge's. */
const FIRST_CONTAINER = 2;

/**
 * Makes the namespace and a pair of links into it. The name of the end on this machine claims the address of its number: the
 * kernel gives it to one container only, whoever asks.
 * @returns the container's address
 */
async function plugIn(path: string, bridge: BridgeNetwork, folder: string, teardown: Teardown): Promise<string> {
  const subnet = parseRange(bridge.subnet);
  await writeFile(path, '');
  const namespace = makeNetworkNamespace();
  try {
    teardown.addBeside('network namespace', () => unmountIfMounted(path));
    await mount({ source: selfFd(namespace.fd), target: path, type: '', flags: ['bind'] });
    const gateway = bridge.internal === true ? undefined : addressIn(subnet, 1);
    const last = 2 ** (32 - subnet.bits) - 2;
    for (let number = FIRST_CONTAINER; number <= last; number++) {
      const link = `${bridge.name}v${number}`;
      const address = addressIn(subnet, number);
      await writeFile(join(folder, 'link'), link); // for the sweep
      try {
        await plugIntoBridge(
          { link, bridge: bridge.name, mac: macOf(address), address, bits: subnet.bits, gateway },
          namespace,
        );
      } catch (error) {
        if (hasErrorCode(error, 'EEXIST')) continue;
        throw new Problem('unavailable', `the network ${bridge.name} can't be joined: ${messageOf(error)}`, {
          cause: error,
        });
      }
      // Deleted by name, since the namespace's end is noticed by the kernel at some later time only.
      teardown.addBeside('network link', () => deleteLink(link));
      return address;
    }
    throw new Problem('exhausted', `all addresses of ${formatRange(subnet)} are taken`);
  } finally {
    namespace.netlink.close();
    closeSync(namespace.fd);
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return '';
    throw error;
  }
}
