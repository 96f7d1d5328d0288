import { readFileBelow } from '../../kernel/rooted.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';

/** Who a container's process is, and where its home is. */
export interface ContainerUser {
  uid: number;
  gid: number;
  /** The primary group first: without it, setgroups would let a process lose a group that denies it something. */
  additionalGids: number[];
  home: string;
}

const MOST_BYTES = 4 << 20;
const MOST_ID = 0x7fffffff;

/**
 * Looks `user[:group]` up in the container's own passwd and group, by docker's rules (moby/sys/user): a number is always an
 * id and needs no entry; a group in the text replaces the user's groups; an empty user is root.
 * @param root the mounted root file system; paths are resolved inside it, whatever links it holds
 * @param extraGroups names and numbers besides the user's own
 * @throws Problem `invalid` in docker's words
 */
export async function lookUpUser(
  root: string,
  text: string,
  extraGroups: readonly string[] = [],
): Promise<ContainerUser> {
  const [passwd, group] = [await readIfThere(root, 'etc/passwd'), await readIfThere(root, 'etc/group')];
  const user = resolveUser(text, passwd, group);
  const extra = extraGroups.map((name) => groupId(name, rows(group, 3)));
  return { ...user, additionalGids: [...new Set([...user.additionalGids, ...extra])] };
}

/** The pure part of `lookUpUser`, over the texts of the two files. */
export function resolveUser(text: string, passwd: string, group: string): ContainerUser {
  const [userText = '', groupText = ''] = split(text);
  const wanted = userText === '' ? '0' : userText;
  const uid = idOf(wanted);
  const entry = rows(passwd, 4).find((row) => (uid === undefined ? row[0] === wanted : Number(row[2]) === uid));
  if (entry === undefined && uid === undefined) {
    throw new Problem('invalid', `unable to find user ${wanted}: no matching entries in passwd file`);
  }
  const user = { uid: uid ?? Number(entry?.[2]), gid: Number(entry?.[3] ?? 0), home: entry?.[5] || '/' };
  const groups = rows(group, 3);
  if (groupText !== '') {
    const gid = groupId(groupText, groups);
    return { ...user, gid, additionalGids: [gid] };
  }
  const name = entry?.[0];
  const others = groups.filter((row) => name !== undefined && (row[3] ?? '').split(',').includes(name));
  return { ...user, additionalGids: [...new Set([user.gid, ...others.map((row) => Number(row[2]))])] };
}

function groupId(text: string, groups: string[][]): number {
  const gid = idOf(text) ?? groups.find((row) => row[0] === text)?.[2];
  if (gid === undefined) {
    throw new Problem('invalid', `unable to find group ${text}: no matching entries in group file`);
  }
  return Number(gid);
}

function split(text: string): string[] {
  const colon = text.indexOf(':');
  return colon === -1 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}

function idOf(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id > MOST_ID) throw new Problem('invalid', `uids and gids must be in range 0-${MOST_ID}`);
  return id;
}

/** Lines of `:` fields; those that are too short or whose id is no number are skipped, as libc does. */
function rows(text: string, fields: number): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim().split(':'))
    .filter((row) => row.length >= fields && /^\d+$/.test(row[2] ?? ''));
}

async function readIfThere(root: string, path: string): Promise<string> {
  try {
    return (await readFileBelow(root, path, MOST_BYTES)).toString('utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return '';
    throw new Problem('invalid', `/${path} of the image can't be read`, { cause: error });
  }
}
