import { Problem } from '../../lib/problem.ts';
import { ownCapabilities } from './insecure.ts';

/** CapEff 00000000a80425fb: the same 14 in docker's classic builder, in BuildKit and in `docker run`. */
const DEFAULTS = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
].map((name) => `CAP_${name}`);

/**
 * Docker's 14, and what `--cap-add` and `--cap-drop` make of them: what is added stays when all are dropped, and what is
 * dropped goes when all are added.
 * @throws Problem `invalid` in docker's words for a name that this machine doesn't know
 */
export function capabilitiesOf(change?: { add: readonly string[]; drop: readonly string[] }): string[] {
  if (change === undefined) return DEFAULTS;
  const known = ownCapabilities();
  const [add, drop] = [named('CapAdd', change.add, known), named('CapDrop', change.drop, known)];
  if (add.has(ALL)) return known.filter((name) => !drop.has(name));
  const kept = drop.has(ALL) ? [] : DEFAULTS.filter((name) => !drop.has(name));
  return [...new Set([...kept, ...add])];
}

const ALL = 'ALL';

function named(field: string, names: readonly string[], known: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const given of names) {
    const upper = given.toUpperCase();
    if (upper === ALL) found.add(ALL);
    else {
      const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
      if (!known.includes(name)) throw new Problem('invalid', `invalid ${field}: unknown capability: "${name}"`);
      found.add(name);
    }
  }
  return found;
}
