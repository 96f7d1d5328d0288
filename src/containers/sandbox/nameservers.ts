import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isLoopback } from './name-files.ts';

/** How a container on a bridge resolves names. */
export interface Nameservers {
  /** Written into its resolv.conf; reached through the NAT like any other address. */
  direct: string[];
  /** Only this machine reaches them (loopback, its own addresses, IPv6): the bridge relays to them if there's no direct one. */
  relayed: string[];
}

export function sortNameservers(addresses: string[], own: Set<string>): Nameservers {
  const isDirect = (address: string) => isIPv4(address) && !isLoopback(address) && !own.has(address);
  return { direct: addresses.filter(isDirect), relayed: addresses.filter((address) => !isDirect(address)) };
}

/** Every address of this machine, as they are now. */
export function ownAddresses(): Set<string> {
  return new Set(
    Object.values(networkInterfaces())
      .flat()
      .map((entry) => entry?.address ?? ''),
  );
}
