import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Problem } from '../../lib/problem.ts';

type Allow = (address: string, host: string) => boolean;

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
