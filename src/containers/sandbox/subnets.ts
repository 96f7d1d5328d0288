import { Problem } from '../../lib/problem.ts';

/** A range that neither docker (172.17-31, 192.168), podman (10.88-89) nor Kubernetes' usual ones (10.96, 10.244) take. */
export const DEFAULT_SUBNETS = ['10.213.0.0/16'];

/** IPv4 addresses as numbers; `first` is the network's own. */
export interface Range4 {
  first: number;
  bits: number;
}

/** @throws Problem `invalid` */
export function parseRange(text: string): Range4 {
  const [address = '', bitsText = '32'] = text.split('/');
  const bits = Number(bitsText);
  if (!/^\d+$/.test(bitsText) || bits > 32) throw new Problem('invalid', `${text} is not an IPv4 range`);
  return { first: start(parseAddress(address), bits), bits };
}

export function formatRange(range: Range4): string {
  return `${formatAddress(range.first)}/${range.bits}`;
}

/** The address of number `index` in the range: 1 is the gateway's, containers begin at 2. */
export function addressIn(range: Range4, index: number): string {
  return formatAddress(range.first + index);
}

export function overlaps(a: Range4, b: Range4): boolean {
  const bits = Math.min(a.bits, b.bits);
  return start(a.first, bits) === start(b.first, bits);
}

/** The /24 of number `index` over all ranges, undefined behind the last one. */
export function subnetAt(ranges: Range4[], index: number): Range4 | undefined {
  let left = index;
  for (const range of ranges) {
    const count = 2 ** Math.max(0, 24 - range.bits);
    if (left < count) return { first: range.first + left * 256, bits: Math.max(24, range.bits) };
    left -= count;
  }
  return undefined;
}

/**
 * The link address of an address, as docker makes it: behind a prefix that is nobody's, so that a neighbour's table stays right
 * when the address comes again.
 */
export function macOf(address: string): string {
  return ['02', '42', ...address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))].join(':');
}

function start(address: number, bits: number): number {
  const size = 2 ** (32 - bits);
  return Math.floor(address / size) * size;
}

function parseAddress(text: string): number {
  const parts = text.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (parts.length !== 4 || parts.some((part) => part > 255))
    throw new Problem('invalid', `${text} is not an IPv4 address`);
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
