import { chmod, chown, lstat } from 'node:fs/promises';
import { setTimes } from '../../kernel/file-times.ts';
import { getXattr, listXattrs, setXattr } from '../../kernel/xattr.ts';

/** Mode, owner, times and extended attributes of one folder for another, so that overlayfs shows no difference. */
export async function copyFolderAttributes(from: string, to: string): Promise<void> {
  const found = await lstat(from, { bigint: true });
  await chown(to, Number(found.uid), Number(found.gid));
  await chmod(to, Number(found.mode) & 0o7777);
  for (const name of listXattrs(from)) {
    if (name.startsWith('trusted.overlay.')) continue; // notes of overlayfs about the other folder
    const value = getXattr(from, name);
    if (value !== undefined) setXattr(to, name, value);
  }
  setTimes(to, found.atimeNs, found.mtimeNs);
}
