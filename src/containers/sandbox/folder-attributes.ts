import { chmodSync, chownSync, lstatSync } from 'node:fs';
import { setTimes } from '../../kernel/file-times.ts';
import { getXattr, listXattrs, setXattr } from '../../kernel/xattr.ts';

/** Mode, owner, times and extended attributes of one folder for another, so that overlayfs shows no difference. */
export function copyFolderAttributes(from: string, to: string): void {
  const found = lstatSync(from, { bigint: true });
  chownSync(to, Number(found.uid), Number(found.gid));
  chmodSync(to, Number(found.mode) & 0o7777);
  for (const name of listXattrs(from)) {
    if (name.startsWith('trusted.overlay.')) continue; // notes of overlayfs about the other folder
    const value = getXattr(from, name);
    if (value !== undefined) setXattr(to, name, value);
  }
  setTimes(to, found.atimeNs, found.mtimeNs);
}
