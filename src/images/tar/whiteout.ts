/** Names by which a layer says that something of the layers below is gone (OCI image-spec layer.md, Whiteouts). */
const PREFIX = '.wh.';
const OPAQUE = '.wh..wh..opq';

/**
 * What a name in a layer means: `removes` hides a file or folder of the layers below, `opaque` hides everything that they
 * hold in `folder`, and `meta` is aufs' own bookkeeping (`.wh..wh.plnk` and the like), which everyone skips.
 */
export type Whiteout = { kind: 'removes'; path: string } | { kind: 'opaque'; folder: string } | { kind: 'meta' };

/** `a/b` -> `a/.wh.b`. */
export function whiteoutName(path: string): string {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}${PREFIX}${path.slice(slash)}`;
}

/** `a` -> `a/.wh..wh..opq`; the root is the empty string. */
export function opaqueName(folder: string): string {
  return folder === '' ? OPAQUE : `${folder}/${OPAQUE}`;
}

/** Undefined when the name is an ordinary one. */
export function readWhiteout(name: string): Whiteout | undefined {
  const slash = name.lastIndexOf('/') + 1;
  const base = name.slice(slash);
  if (!base.startsWith(PREFIX)) return undefined;
  if (base === OPAQUE) return { kind: 'opaque', folder: name.slice(0, Math.max(0, slash - 1)) };
  if (base.startsWith(`${PREFIX}${PREFIX}`)) return { kind: 'meta' };
  const hidden = base.slice(PREFIX.length);
  // ".wh." and ".wh.." would name the folder itself or its parent: nobody writes them, and obeying would remove too much.
  return hidden === '' || hidden === '.' || hidden === '..'
    ? { kind: 'meta' }
    : { kind: 'removes', path: name.slice(0, slash) + hidden };
}
