import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';
import { Problem } from '../../lib/problem.ts';

type Allow = (address: string, host: string) => boolean;

/**
 * What only this machine, its network or its cloud reaches (RFC 6890, and the shared space of RFC 6598), and prefixes of IPv6
 * that carry any address of IPv4 in them: translators (RFC 6052, RFC 8215), 6to4 and Teredo.
 */
const INNER: readonly [address: string, bits: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

const inner = new BlockList();
for (const [address, bits] of INNER) inner.addSubnet(address, bits, isIPv6(address) ? 'ipv6' : 'ipv4');

/** False for loopback, link-local, private and multicast addresses, also as IPv6 writes those of IPv4. */
export function isPublicAddress(address: string): boolean {
  return !inner.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** @throws Problem `denied` when the host is itself an address that may not be connected to; names are checked on look-up */
export function checkLiteralAddress(hostname: string, allow: Allow): void {
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0 && !allow(address, address)) throw forbidden(address, address);
}

/** A look-up that refuses a name as soon as one of its addresses is forbidden, so that no later choice can pick that one. */
export function guardedLookup(allow: Allow): LookupFunction {
  return (hostname, options: LookupOptions, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) return callback(error, '', 0);
      const bad = addresses.find(({ address }) => !allow(address, hostname));
      if (bad !== undefined) return callback(forbidden(bad.address, hostname), '', 0);
      const first = addresses[0];
      if (options.all === true || first === undefined) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function forbidden(address: string, host: string): Problem {
  return new Problem(
    'denied',
    `${host === address ? '' : `${host} is `}${address}: this server makes no connections there`,
    {
      hint: 'Loopback, link-local and private addresses are refused unless slipway.yaml names the host under registries.',
    },
  );
}
