import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pathBytes, pathText } from '../../../src/images/tar/path-text.ts';
import { deviceParts } from '../../../src/kernel/node-file.ts';
import { getXattr, listXattrs } from '../../../src/kernel/xattr.ts';

/**
 * A tree on disk, one line per path in order: type, mode, owner, time, links, and what it holds. Two trees with the same
 * lines can't be told apart by a program that runs in them.
 */
export async function treeLines(folder: string): Promise<string[]> {
  const lines: string[] = [];
  const names = new Map<string, string>();
  const visit = async (path: string): Promise<void> => {
    const found = await readdir(pathBytes(join(folder, path)), { encoding: 'buffer' });
    for (const name of found.map(pathText).sort()) {
      const at = path === '' ? name : `${path}/${name}`;
      const file = pathBytes(join(folder, at));
      const stat = await lstat(file, { bigint: true });
      const owner = `${(stat.mode & 0o7777n).toString(8)} ${stat.uid}:${stat.gid} ${stat.mtimeNs}`;
      const xattrs = listXattrs(file)
        .filter((attribute) => attribute.startsWith('user.') || attribute === 'security.capability')
        .sort()
        .map((attribute) => ` ${attribute}=${getXattr(file, attribute)?.toString('hex')}`)
        .join('');
      if (stat.isDirectory()) {
        lines.push(`${at}/ ${owner}${xattrs}`);
        await visit(at);
      } else if (stat.isSymbolicLink()) lines.push(`${at} ${owner} -> ${await readlink(file)}`);
      else if (stat.isFile()) {
        const first = names.get(String(stat.ino)) ?? at;
        names.set(String(stat.ino), first);
        const digest = createHash('sha256')
          .update(await readFile(file))
          .digest('hex')
          .slice(0, 16);
        lines.push(`${at} ${owner} ${stat.size} ${digest}${first === at ? '' : ` = ${first}`}${xattrs}`);
      } else {
        const { major, minor } = deviceParts(stat.rdev);
        lines.push(
          `${at} ${owner} ${stat.isFIFO() ? 'fifo' : stat.isBlockDevice() ? 'block' : 'char'} ${major}:${minor}`,
        );
      }
    }
  };
  await visit('');
  return lines;
}
