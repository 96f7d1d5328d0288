import { type Place, Problem } from '../../lib/problem.ts';

/** What --chmod makes of a mode; both are 0 to 0o7777. */
export type ModeChange = (mode: number, isFolder: boolean) => number;

const CLAUSE = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/;
const READ = 0o444;
const WRITE = 0o222;
const EXECUTE = 0o111;
const SET_IDS = 0o6000;
const STICKY = 0o1000;

/** The bits that belong to somebody, the special ones among them. */
const OF: Record<string, number> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };

/** Taken from what a clause without u, g, o or a grants: chmod's rule, with the umask that root has everywhere. */
const UMASK = 0o022;

/**
 * Octal digits, or what chmod(1) calls a symbolic mode: `u=rwX,go=rX`, `+x`, `g=u`, `u+s`, `+t`.
 * @throws Problem `invalid`
 */
export function parseMode(chmod: string, place: Place): ModeChange {
  if (/^[0-7]{1,4}$/.test(chmod)) {
    const mode = Number.parseInt(chmod, 8);
    return () => mode;
  }
  const clauses = chmod.split(',').map((clause) => {
    const [, who, actions] = CLAUSE.exec(clause) ?? [];
    if (who !== undefined && actions !== undefined) return { who, actions };
    throw new Problem('invalid', `--chmod=${chmod}: ${JSON.stringify(clause)} is no mode`, {
      place,
      hint: 'Write octal digits (755), or letters as chmod takes them (u=rwX,go=rX).',
    });
  });
  return (mode, isFolder) => clauses.reduce((now, { who, actions }) => applied(now, who, actions, isFolder), mode);
}

function applied(mode: number, who: string, actions: string, isFolder: boolean): number {
  const affected = [...who].reduce((bits, one) => bits | (OF[one] ?? 0), 0);
  let now = mode;
  for (const [, operator = '', letters = ''] of actions.matchAll(/([-+=])([ugo]|[rwxXst]*)/g)) {
    const wanted = bitsOf(letters, now, isFolder);
    // a folder keeps setuid and setgid unless they are named
    const named = affected === 0 ? wanted : wanted & affected;
    const left = isFolder ? SET_IDS & ~named : 0;
    const value = wanted & (affected === 0 ? ~UMASK : affected) & ~left;
    if (operator === '-') now &= ~value;
    else if (operator === '+') now |= value;
    else now = (now & ((affected === 0 ? 0 : ~affected) | left)) | value;
  }
  return now & 0o7777;
}

function bitsOf(letters: string, mode: number, isFolder: boolean): number {
  if (letters === 'u' || letters === 'g' || letters === 'o') {
    const shift = { u: 6, g: 3, o: 0 }[letters];
    return ((mode >> shift) & 7) * EXECUTE;
  }
  let bits = 0;
  if (letters.includes('r')) bits |= READ;
  if (letters.includes('w')) bits |= WRITE;
  if (letters.includes('x') || (letters.includes('X') && (isFolder || (mode & EXECUTE) !== 0))) bits |= EXECUTE;
  if (letters.includes('s')) bits |= SET_IDS;
  if (letters.includes('t')) bits |= STICKY;
  return bits;
}
