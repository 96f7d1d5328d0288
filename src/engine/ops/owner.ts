import { type Place, Problem } from '../../lib/problem.ts';
import type { MergedTree } from '../trees/merged-tree.ts';

/**
 * Numbers for --chown=user[:group]. Names are looked up in the passwd and group files of the tree that is copied to, read
 * from its layers. Without a group, a name has the group of its passwd line and a number the group of that number; without
 * a user, it is root: BuildKit's rules. The classic builder took the group of the user's name, and failed without one.
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
  const isId = user === '' || isNumber(user);
  const passwd = isId ? undefined : field(await tree.text('etc/passwd'), user);
  if (!isId && passwd === undefined) throw unknown('uid for user', user);
  const uid = Number(passwd?.[2] ?? user);
  if (group === undefined) return { uid, gid: Number(passwd?.[3] ?? uid) };
  if (isNumber(group)) return { uid, gid: Number(group) };
  const entry = field(await tree.text('etc/group'), group);
  if (entry === undefined) throw unknown('gid for group', group);
  return { uid, gid: Number(entry[2]) };
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
