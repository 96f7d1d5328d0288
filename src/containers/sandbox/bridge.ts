import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { hasErrorCode, messageOf, Problem } from '../../lib/problem.ts';
import { run, runOk } from '../../lib/run.ts';
import type { BridgeNetwork, BridgeService } from '../container.ts';
import { BRIDGE_PREFIX, type BridgeFirewall, installFirewall, removeFirewall } from './firewall.ts';
import { GatewayResolver } from './gateway-resolver.ts';
import { makeRunFolder, type RunFolder, removeRunFolder } from './run-folder.ts';
import { addressIn, formatRange, macOf, overlaps, parseRange, type Range4, subnetAt } from './subnets.ts';

export interface BridgeRequest {
  runFolder: string;
  tag: string;
  subnets: string[];
  /** Whose network this is, for people who look at `ip -details link`. */
  owner: string;
  /** Without a way out. */
  internal: boolean;
}

/**
 * A bridge with a /24, address translation and the rules of firewall.ts. Its name is claimed by creating the link, which the
 * kernel lets only one of all processes and data folders do; subnet number N belongs to `slw<N>`. The folder that is made
 * before, and the alias, say whose it is, so that a sweep finds it after a crash at any point.
 * @throws Problem `exhausted` when all subnets are taken, `unsupported` without the right to make bridges
 */
export async function createBridge(request: BridgeRequest): Promise<BridgeNetwork> {
  const ranges = request.subnets.map(parseRange);
  const routes = await routesOfHost();
  for (let number = 0; ; number++) {
    const subnet = subnetAt(ranges, number);
    if (subnet === undefined) {
      throw new Problem('exhausted', `no subnet of ${request.subnets.join(', ')} is free for a build's network`, {
        hint: 'Wait until other builds end, or name another private range in slipway.yaml.',
      });
    }
    const name = `${BRIDGE_PREFIX}${number}`;
    if (existsSync(`/sys/class/net/${name}`) || routes.some((route) => overlaps(route, subnet))) continue;
    const folder = await claim(request.runFolder, name);
    if (folder !== undefined) return await setUp(folder, subnet, request);
  }
}

/** Undefined when somebody else was faster. */
async function claim(runFolder: string, name: string): Promise<RunFolder | undefined> {
  let folder: RunFolder;
  try {
    folder = await makeRunFolder(runFolder, 'network', name);
  } catch (error) {
    if (error instanceof Problem && error.code === 'conflict') return undefined;
    throw error;
  }
  const added = await run('ip', ['link', 'add', name, 'type', 'bridge']);
  if (added.code === 0) return folder;
  await removeRunFolder(folder);
  if (/File exists/.test(added.stderr)) return undefined;
  throw new Problem('unsupported', `a network for builds can't be made: ${added.stderr.trim()}`, {
    hint: 'Bridges need root, or CAP_NET_ADMIN; builds with network "none" work without.',
  });
}

async function setUp(folder: RunFolder, subnet: Range4, request: BridgeRequest): Promise<BridgeNetwork> {
  const gateway = addressIn(subnet, 1);
  const cidr = formatRange(subnet);
  const { internal } = request;
  let resolver: GatewayResolver | undefined;
  let firewall: BridgeFirewall;
  const close = async () => {
    await resolver?.close();
    await removeBridge(folder.id);
    await removeRunFolder(folder);
  };
  try {
    await batch([
      `link set dev ${folder.id} alias "${bridgeAlias(request.tag, folder.owner)} ${plain(request.owner)}"`,
      // else it is that of one of its links, changes when that goes, and the others look for their gateway for seconds
      `link set dev ${folder.id} address ${macOf(gateway)}`,
    ]);
    const made = await GatewayResolver.of(gateway, { bridge: folder.id, subnet: cidr, internal });
    ({ resolver, firewall } = made);
    await installFirewall(firewall.rules);
    await disableIpv6(folder.id);
    await batch([`addr add ${gateway}/${subnet.bits} dev ${folder.id}`, `link set dev ${folder.id} up`]);
    if (!internal) await enableForwarding();
    await made.open();
  } catch (error) {
    await close();
    if (error instanceof Problem && error.code === 'not-found') {
      throw new Problem('unsupported', `a network for builds can't be made: ${messageOf(error)}`, {
        hint: 'Install iproute2 and nftables; builds with network "none" work without.',
      });
    }
    throw error;
  }
  let closed: Promise<void> | undefined;
  return {
    name: folder.id,
    subnet: cidr,
    internal,
    resolver,
    services: { gateway, offer: (services) => offer(services, firewall, gateway, resolver) },
    close() {
      closed ??= close();
      return closed;
    },
  };
}

/** The rules in one change, then the names: whoever finds a name reaches what it stands for. */
async function offer(
  services: readonly BridgeService[],
  firewall: BridgeFirewall,
  gateway: string,
  resolver: GatewayResolver | undefined,
): Promise<void> {
  await firewall.change({ services, nameserver: gateway });
  for (const { names, address } of services) await resolver?.register(names, address);
}

/** How the alias of a bridge begins; the sweep of the same tag looks for it. */
export function bridgeAlias(tag: string, owner: string): string {
  return `slipway ${tag} ${owner}`;
}

/** Takes away link, the links of containers on it, and rules; whatever of it is there. */
export async function removeBridge(name: string): Promise<void> {
  const ports = await portsOf(name);
  await run('ip', ['-force', '-batch', '-'], { input: [...ports, name].map((link) => `link del ${link}\n`).join('') });
  await removeFirewall(name);
}

async function portsOf(bridge: string): Promise<string[]> {
  try {
    return await readdir(`/sys/class/net/${bridge}/brif`);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function batch(lines: string[]): Promise<void> {
  await runOk('ip', ['-batch', '-'], { input: lines.map((line) => `${line}\n`).join('') });
}

/** Destinations of all tables, the default route aside. */
async function routesOfHost(): Promise<Range4[]> {
  const { stdout } = await runOk('ip', ['-json', '-4', 'route', 'show', 'table', 'all']);
  const routes = JSON.parse(stdout || '[]') as { dst?: string }[];
  return routes
    .map(({ dst = '' }) => dst)
    .filter((dst) => /^[\d.]+(\/\d+)?$/.test(dst))
    .map(parseRange)
    .filter(({ bits }) => bits > 0);
}

/** Without it the machine throws away what comes from a bridge; docker sets it, too. */
async function enableForwarding(): Promise<void> {
  const setting = '/proc/sys/net/ipv4/ip_forward';
  if ((await readFile(setting, 'utf8')).trim() === '0') await writeFile(setting, '1');
}

/** Bridges speak IPv4 only: a link-local address would be one more way to the host. Absent where IPv6 is off. */
async function disableIpv6(name: string): Promise<void> {
  try {
    await writeFile(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1');
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
}

/** The alias is one quoted word of a command line and holds 255 bytes. */
function plain(text: string): string {
  return text.replace(/[^\w.:/@-]/g, '_').slice(0, 100);
}
