import type { Stat } from '../buildkit/gen/fsutil_pb.ts';

/** Bits of Go's FileMode, which is what travels in place of those of stat(2). */
const GO = {
  folder: 0x80000000,
  symlink: 0x08000000,
  device: 0x04000000,
  fifo: 0x02000000,
  socket: 0x01000000,
  setuid: 0x00800000,
  setgid: 0x00400000,
  sticky: 0x00100000,
  irregular: 0x00080000,
} as const;

export type FileKind = 'file' | 'folder' | 'symlink' | 'fifo' | 'device' | 'socket';

export function kindOf({ mode }: Pick<Stat, 'mode'>): FileKind {
  for (const kind of ['folder', 'symlink', 'device', 'fifo', 'socket'] as const)
    if ((mode & GO[kind]) !== 0) return kind;
  return 'file';
}

/** Permission bits with setuid, setgid and sticky, as chmod(2) takes them. */
export function permissionsOf({ mode }: Pick<Stat, 'mode'>): number {
  const special =
    ((mode & GO.setuid) === 0 ? 0 : 0o4000) |
    ((mode & GO.setgid) === 0 ? 0 : 0o2000) |
    ((mode & GO.sticky) === 0 ? 0 : 0o1000);
  return (mode & 0o777) | special;
}

/** The other way round, for files that we send. */
export function goMode(kind: 'file' | 'folder' | 'symlink' | 'fifo', permissions: number): number {
  const bits =
    (kind === 'file' ? 0 : GO[kind]) |
    ((permissions & 0o4000) === 0 ? 0 : GO.setuid) |
    ((permissions & 0o2000) === 0 ? 0 : GO.setgid) |
    ((permissions & 0o1000) === 0 ? 0 : GO.sticky);
  return (bits | (permissions & 0o777)) >>> 0;
}
