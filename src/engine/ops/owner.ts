import { type Place, Problem } from '../../lib/problem.ts';
import type { MergedTree } from '../trees/merged-tree.ts';

/**
 * Numbers for --chown=user[:group]. Names are looked up in the passwd and group files of the tree that is copied to, read
 * from its layers. A user without a group has the group of the same name or number (Dockerfile reference, COPY --chown).
 * @throws Problem `not-found` with docker's text when the tree doesn't know the name
 */
export async function resolveOwner(
  chown: string,
  tree: MergedTree,
  place: Place,
): Promise<{ uid: number; gid: number }> {
  const colon = chown.indexOf(':');
  const user = colon < 0 ? chown : chown.slice(0, colon);
  const group = colon < 0 ? undefined : chown.slice(colon + 1);
  const unknown = (kind: 'uid for user' | 'gid for group', name: string) =>
    new Problem(
      'not-found',
      `unable to convert uid/gid chown string to host mapping: can't find ${kind} ${name}: no such ${
        kind === 'uid for user' ? 'user' : 'group'
      }: ${name}`,
      {
        place,
        hint: `/etc/${kind === 'uid for user' ? 'passwd' : 'group'} of the image has no ${name}. Create it with RUN first, or write a number.`,
      },
    );
  const passwd = isNumber(user) ? undefined : field(await tree.text('etc/passwd'), user);
  if (!isNumber(user) && passwd === undefined) throw unknown('uid for user', user);
  const uid = passwd === undefined ? Number(user) : Number(passwd[2]);
  if (group === undefined && passwd === undefined) return { uid, gid: uid };
  const wanted = group ?? user;
  if (isNumber(wanted)) return { uid, gid: Number(wanted) };
  const entry = field(await tree.text('etc/group'), wanted);
  if (entry !== undefined) return { uid, gid: Number(entry[2]) };
  if (group === undefined && passwd !== undefined) return { uid, gid: Number(passwd[3]) };
  throw unknown('gid for group', wanted);
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

/** The line of passwd(5) or group(5) that begins with a name, split at its colons. */
function field(text: string | undefined, name: string): string[] | undefined {
  for (const line of (text ?? '').split('\n')) {
    const parts = line.split(':');
    if (parts[0] === name && isNumber(parts[2] ?? '')) return parts;
  }
  return undefined;
}

/** @throws Problem `unsupported` for what isn't octal */
export function parseMode(chmod: string, place: Place): number {
  if (/^[0-7]{1,4}$/.test(chmod)) return Number.parseInt(chmod, 8);
  throw new Problem('unsupported', `--chmod=${chmod}: only octal modes are understood (completed later)`, {
    place,
    hint: 'Write the mode in octal digits, for example --chmod=755.',
  });
}
