import { posix } from 'node:path';
import { Problem } from '../../lib/problem.ts';
import type { RequestedMount } from '../container-request.ts';

/**
 * Everything that is to be mounted: what was asked for, and a volume of its own for every VOLUME of the image that nothing
 * was asked for. Targets are cleaned; those nearer to the root come first, so that none hides another.
 * @throws Problem `invalid` in docker's words
 */
export function planMounts(requested: readonly RequestedMount[], imageVolumes: readonly string[]): RequestedMount[] {
  const byTarget = new Map<string, RequestedMount>();
  for (const mount of requested) {
    const target = cleanTarget(mount.target);
    if (byTarget.has(target)) throw new Problem('invalid', `Duplicate mount point: ${target}`);
    byTarget.set(target, { ...mount, target });
  }
  for (const volume of imageVolumes) {
    const target = cleanTarget(volume);
    if (byTarget.has(target)) continue;
    byTarget.set(target, { kind: 'volume', target, readonly: false, noCopy: false });
  }
  return [...byTarget.values()].sort((a, b) => depth(a.target) - depth(b.target));
}

function cleanTarget(target: string): string {
  if (!target.startsWith('/')) {
    throw new Problem('invalid', `invalid mount path: '${target}' mount path must be absolute`);
  }
  const clean = posix.normalize(target).replace(/(?<=.)\/$/, '');
  if (clean === '/') throw new Problem('invalid', "invalid specification: destination can't be '/'");
  return clean;
}

function depth(target: string): number {
  return target.split('/').length;
}
