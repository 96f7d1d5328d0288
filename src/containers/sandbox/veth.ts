import { attribute, Netlink, type NetlinkRequest, number32, text } from '../../kernel/netlink.ts';
import type { NetworkNamespace } from '../../kernel/network-namespace.ts';
import { hasErrorCode } from '../../lib/problem.ts';

/** linux/rtnetlink.h, if_link.h, if_addr.h. */
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_NEWADDR = 20;
const RTM_NEWROUTE = 24;
const NEW = 0x400 | 0x200; // create, and it is an error that it exists
const IFF_UP = 1;
const IFLA = { address: 1, name: 3, master: 10, linkInfo: 18, namespaceFd: 28 } as const;
const INFO = { kind: 1, data: 2 } as const;
const VETH_INFO_PEER = 1;
const IFA = { address: 1, local: 2 } as const;
const RTA_GATEWAY = 5;
const AF_INET = 2;
const MAIN_TABLE = 254;
const PROTOCOL_BOOT = 3;
const UNICAST = 1;
const LOOPBACK_INDEX = 1;

const GUEST = 'eth0';

export interface VethPlan {
  /** The end on this machine; its name claims the address. */
  link: string;
  bridge: string;
  /** The other end's. */
  mac: string;
  address: string;
  bits: number;
  gateway: string | undefined;
}

/**
 * A pair of links, one on the bridge, the other in the namespace with its address and route. By the kernel's own interface:
 * three programs for it took longer than all else that a container on a bridge costs more.
 * @throws SystemCallError `EEXIST` when there is a link of that name
 */
export async function plugIntoBridge(plan: VethPlan, guest: NetworkNamespace): Promise<void> {
  const host = new Netlink();
  try {
    await host.request([newPair(plan, host.indexOf(plan.bridge), guest.fd)]);
  } finally {
    host.close();
  }
  const index = guest.netlink.indexOf(GUEST);
  const route = plan.gateway === undefined ? [] : [defaultRoute(plan.gateway)];
  const address = newAddress(index, plan.address, plan.bits);
  await guest.netlink.request([linkUp(LOOPBACK_INDEX), address, linkUp(index), ...route]);
}

/** With its other end, wherever that is. No error when there is none. */
export async function deleteLink(link: string): Promise<void> {
  const host = new Netlink();
  try {
    const payload = Buffer.concat([ifinfo(0, 0), attribute(IFLA.name, text(link))]);
    await host.request([{ type: RTM_DELLINK, flags: 0, payload, what: link }]);
  } catch (error) {
    if (!hasErrorCode(error, 'ENODEV')) throw error;
  } finally {
    host.close();
  }
}

function newPair({ link, mac }: VethPlan, bridge: number, namespace: number): NetlinkRequest {
  const address = Buffer.from(mac.replaceAll(':', ''), 'hex');
  const peer = attribute(
    VETH_INFO_PEER,
    ifinfo(0, 0),
    attribute(IFLA.name, text(GUEST)),
    attribute(IFLA.address, address),
    attribute(IFLA.namespaceFd, number32(namespace)),
  );
  const payload = Buffer.concat([
    ifinfo(0, IFF_UP),
    attribute(IFLA.name, text(link)),
    attribute(IFLA.master, number32(bridge)),
    attribute(IFLA.linkInfo, attribute(INFO.kind, text('veth')), attribute(INFO.data, peer)),
  ]);
  return { type: RTM_NEWLINK, flags: NEW, payload, what: link };
}

function linkUp(index: number): NetlinkRequest {
  return { type: RTM_NEWLINK, flags: 0, payload: ifinfo(index, IFF_UP), what: `link ${index}` };
}

function newAddress(index: number, address: string, bits: number): NetlinkRequest {
  const fixed = Buffer.concat([Buffer.of(AF_INET, bits, 0, 0), number32(index)]);
  const bytes = ipv4(address);
  const payload = Buffer.concat([fixed, attribute(IFA.local, bytes), attribute(IFA.address, bytes)]);
  return { type: RTM_NEWADDR, flags: NEW, payload, what: address };
}

function defaultRoute(gateway: string): NetlinkRequest {
  const fixed = Buffer.of(AF_INET, 0, 0, 0, MAIN_TABLE, PROTOCOL_BOOT, 0, UNICAST, 0, 0, 0, 0);
  const payload = Buffer.concat([fixed, attribute(RTA_GATEWAY, ipv4(gateway))]);
  return { type: RTM_NEWROUTE, flags: NEW, payload, what: `route by ${gateway}` };
}

/** `struct ifinfomsg`; flags are set, none is taken away. */
function ifinfo(index: number, flags: number): Buffer {
  return Buffer.concat([number32(0), number32(index), number32(flags), number32(flags)]);
}

function ipv4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}
