import { getXattr, listXattrs } from '../../kernel/xattr.ts';

/** Marks a folder whose lower content is hidden (kernel documentation, overlayfs, "opaque directories"). */
export const OPAQUE_XATTR = 'trusted.overlay.opaque';

/**
 * The attributes of a file that belong into a layer: capabilities and the user's own. The overlay's are ours, and labels
 * of SELinux and the like are this machine's.
 */
export function layerXattrs(path: string | Buffer): Record<string, Buffer> | undefined {
  let found: Record<string, Buffer> | undefined;
  for (const name of listXattrs(path)) {
    if (name !== 'security.capability' && name !== OPAQUE_XATTR && !name.startsWith('user.')) continue;
    const value = getXattr(path, name);
    if (value === undefined) continue;
    found ??= {};
    found[name] = Buffer.from(value);
  }
  return found;
}
