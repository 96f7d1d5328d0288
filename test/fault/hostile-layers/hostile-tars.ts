import { type RawEntry, rawTar } from './raw-tar.ts';

/** A tar that nobody means well with, and what has to become of it. */
export interface HostileTar {
  what: string;
  tar: Buffer;
  /** Part of the message when it is refused; absent: it lands below the root. */
  refused?: RegExp;
  /** Some of the paths that it has to make, as a process would find them from the root of the tree; links not followed. */
  makes?: readonly string[];
}

const folder = (name: string, rest: RawEntry = {}): RawEntry => ({ name, flag: '5', ...rest });
const file = (name: string, body = 'x', rest: RawEntry = {}): RawEntry => ({ name, body, ...rest });
const link = (name: string, to: string): RawEntry => ({ name, flag: '2', link: to });
const hard = (name: string, to: string): RawEntry => ({ name, flag: '1', link: to });

const base256 = (value: bigint, width: number): Buffer => {
  const bytes = Buffer.alloc(width);
  let rest = BigInt.asUintN(width * 8 - 1, value);
  for (let i = width - 1; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  return bytes;
};

/** @param outside a folder that must stay as it is, with `secret` in it; absolute */
export function hostileTars(outside: string): HostileTar[] {
  const up = `../../../../../../../../../..${outside}`;
  return [
    // names
    { what: 'names with ../', tar: rawTar([file(`..${outside}/new`), file('../../etc/x')]), makes: ['etc/x'] },
    { what: 'absolute names', tar: rawTar([file(`${outside}/new`), file('//double//slash')]), makes: ['double/slash'] },
    {
      what: 'names with .. inside',
      tar: rawTar([file('a/../../b'), folder('c/..'), file('./././d')]),
      makes: ['b', 'd'],
    },
    { what: 'the root as a file', tar: rawTar([file('/', ''), file('.', ''), file('..', '')]) },
    {
      what: 'names of PAX and GNU that lead out',
      tar: rawTar([{ pax: { path: `${up}/new` } }, { longName: `${up}/gnu` }]),
    },
    { what: 'a NUL in a PAX name', tar: rawTar([{ pax: { path: 'a\0b' } }]), refused: /NUL|null/i },
    { what: 'an empty name', tar: rawTar([{ name: '' }]), refused: /without a name/ },
    {
      what: 'a name of 300 bytes without a slash',
      tar: rawTar([{ longName: 'n'.repeat(300) }]),
      refused: /name.*too long/i,
    },
    {
      what: 'a path of 9000 bytes',
      tar: rawTar([{ longName: 'a/'.repeat(4500) }, file('fine')]),
      refused: /too long/i,
    },
    {
      what: '2000 folders in each other',
      tar: rawTar([{ longName: `${'a/'.repeat(2000)}f` }, { longName: `${'a/'.repeat(1999)}g` }]),
    },
    { what: 'names that are no UTF-8', tar: rawTar([{ name: Buffer.from([0xff, 0xfe, 0x2f, 0x80]), body: 'x' }]) },
    { what: 'control characters in names', tar: rawTar([file('a\nb'), file('\x1b[31mred'), file('tab\there')]) },
    // links
    { what: 'a link out, and a file through it', tar: rawTar([link('l', outside), file('l/new')]) },
    { what: 'a relative link out, and a file through it', tar: rawTar([link('l', up), file('l/new')]) },
    { what: 'a chain of links out', tar: rawTar([link('a', 'b'), link('b', 'c/d'), link('c', up), file('a/new')]) },
    {
      what: 'a circle of links',
      tar: rawTar([link('a', 'b'), link('b', 'a'), file('a/x')]),
      refused: /too many levels|ELOOP/,
    },
    {
      what: 'a folder that becomes a link',
      tar: rawTar([folder('d'), file('d/x'), link('d', outside), file('d/new')]),
    },
    {
      what: 'a link that becomes a folder',
      tar: rawTar([link('d', outside), folder('d'), file('d/x')]),
      makes: ['d/x'],
    },
    {
      what: 'a file over a link out',
      tar: rawTar([link('secret', `${outside}/secret`), file('secret', 'changed')]),
      makes: ['secret'],
    },
    {
      what: 'modes and owners through a link',
      tar: rawTar([link('l', outside), folder('l', { mode: 0o777, uid: 9 })]),
    },
    {
      what: 'a folder by two names',
      tar: rawTar([folder('r'), link('l', 'r'), folder('l/f', { mode: 0o777 }), link('r/f', outside)]),
    },
    { what: 'a link to /proc/self/root', tar: rawTar([link('p', '/proc/self/root'), file(`p${outside}/new`)]) },
    { what: 'an empty link', tar: rawTar([link('l', '')]), refused: /link/ },
    {
      what: 'a link of 5000 bytes',
      tar: rawTar([{ name: 'l', flag: '2', longLink: 't'.repeat(5000) }]),
      refused: /too long/i,
    },
    // hard links
    { what: 'a hard link to a file outside', tar: rawTar([hard('h', `${outside}/secret`)]), refused: /hard link/ },
    { what: 'a hard link with ../', tar: rawTar([hard('h', `${up}/secret`)]), refused: /hard link/ },
    {
      what: 'a hard link through a link',
      tar: rawTar([link('l', outside), hard('h', 'l/secret')]),
      refused: /hard link/,
    },
    {
      what: 'a hard link to a link, written through',
      tar: rawTar([
        link('l', `${outside}/secret`),
        hard('h', 'l'),
        file('h', 'changed'),
        { ...hard('g', 'l'), mode: 0o777, uid: 9 },
      ]),
      makes: ['l', 'h', 'g'],
    },
    { what: 'a hard link to a folder', tar: rawTar([folder('d'), hard('h', 'd')]), refused: /hard link/ },
    { what: 'a hard link to itself', tar: rawTar([hard('h', 'h')]), refused: /hard link/ },
    { what: 'a hard link to what only comes later', tar: rawTar([hard('h', 'f'), file('f')]), refused: /hard link/ },
    {
      what: 'hard links whose headers differ',
      tar: rawTar([file('a'), { ...hard('b', 'a'), mode: 0o600, uid: 7 }]),
      makes: ['a', 'b'],
    },
    // kinds
    {
      what: 'nodes of devices',
      tar: rawTar([
        { name: 'disk', flag: '4', major: 8 },
        { name: 'mem', flag: '3', major: 1, minor: 1 },
      ]),
      makes: ['disk', 'mem'],
    },
    {
      what: 'setuid files and pipes',
      tar: rawTar([file('su', 'x', { mode: 0o6777 }), { name: 'pipe', flag: '6' }]),
      makes: ['su', 'pipe'],
    },
    { what: 'a file over a folder', tar: rawTar([folder('d'), file('d/x'), file('d')]), makes: ['d'] },
    { what: 'a folder over a file', tar: rawTar([file('d'), folder('d'), file('d/x')]), makes: ['d/x'] },
    {
      what: 'a file below a file',
      tar: rawTar([file('f'), file('f/x')]),
      refused: /not a folder|folder and a file|ENOTDIR/,
    },
    {
      what: 'one name a hundred times',
      tar: rawTar(Array.from({ length: 100 }, (_, i) => (i % 2 ? file('n') : folder('n')))),
      makes: ['n'],
    },
    { what: 'an unknown kind', tar: rawTar([{ name: 'v', flag: 'V' }]), refused: /type V/ },
    {
      what: "marks of the overlay's own",
      tar: rawTar([
        folder('d', {
          pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.trusted.overlay.opaque': 'y' },
        }),
      ]),
      makes: ['d'],
    },
    {
      what: 'an attribute with a long name',
      tar: rawTar([file('f', 'x', { pax: { [`SCHILY.xattr.user.${'n'.repeat(300)}`]: 'v' } })]),
      refused: /attribute/,
    },
    {
      what: 'an attribute of 100 KiB',
      tar: rawTar([file('f', 'x', { pax: { 'SCHILY.xattr.user.big': 'v'.repeat(100 << 10) } })]),
      refused: /attribute/,
    },
    // whiteouts
    {
      what: 'whiteouts of . and ..',
      tar: rawTar([file('.wh.'), file('.wh..'), file('.wh...'), file('d/.wh...'), file('kept')]),
      makes: ['kept'],
    },
    { what: 'whiteouts with ../', tar: rawTar([file('../.wh.victim'), file('a/../../.wh.x')]) },
    {
      what: 'opaque marks in odd places',
      tar: rawTar([file('.wh..wh..opq'), file('f'), file('g/.wh..wh..opq'), file('.wh..wh..opq/x')]),
    },
    { what: 'an opaque mark below a file', tar: rawTar([file('f'), file('f/.wh..wh..opq')]), refused: /folder/ },
    {
      what: 'a whiteout that is a folder or a link',
      tar: rawTar([folder('.wh.d'), link('.wh.l', outside), file('.wh.l/x')]),
    },
    { what: 'a whiteout through a link', tar: rawTar([link('l', outside), file('l/.wh.secret')]) },
    { what: "aufs' own notes", tar: rawTar([folder('.wh..wh.plnk'), file('.wh..wh.aufs'), file('.wh..wh.plnk/1.2')]) },
    // headers
    { what: 'a wrong checksum', tar: rawTar([file('f', 'x', { sum: 1 })]), refused: /checksum/ },
    { what: 'no tar at all', tar: Buffer.from('#!/bin/sh\n'.repeat(200)), refused: /tar/ },
    {
      what: 'a negative size',
      tar: rawTar([file('f', '', { over: { 124: base256(-5n, 12) } })]),
      refused: /negative|size/,
    },
    {
      what: 'a size beyond all numbers',
      tar: rawTar([file('f', '', { over: { 124: base256(1n << 80n, 12) } })]),
      refused: /no number/,
    },
    { what: 'a size beyond the end', tar: rawTar([file('f', 'x', { size: 0o7777777777 })]), refused: /truncated/ },
    {
      what: 'a negative owner',
      tar: rawTar([file('f', '', { over: { 108: base256(-1n, 8) } })]),
      refused: /negative|owner/,
    },
    {
      what: 'an owner beyond 2^32',
      tar: rawTar([file('f', '', { pax: { uid: '4294967296' } })]),
      refused: /owner|uid|number/i,
    },
    {
      what: 'letters for a number',
      tar: rawTar([file('f', '', { over: { 100: Buffer.from('zzzzzzz\0') } })]),
      refused: /no number/,
    },
    { what: 'a time beyond all clocks', tar: rawTar([file('f', '', { pax: { mtime: '99999999999999.5' } })]) },
    { what: 'a time before the Flood', tar: rawTar([file('f', '', { pax: { mtime: '-99999999999' } })]) },
    { what: 'PAX records of wrong lengths', tar: rawTar([{ pax: '99999 path=x\n' }]), refused: /PAX/ },
    { what: 'PAX records without an end', tar: rawTar([{ pax: '10 path=abc' }]), refused: /PAX/ },
    { what: 'PAX records of length nought', tar: rawTar([{ pax: '0 path=abc\n' }]), refused: /PAX/ },
    { what: 'a PAX size that is negative', tar: rawTar([{ pax: { size: '-1' } }]), refused: /size/ },
    {
      what: 'a PAX header of a gigabyte',
      tar: rawTar([{ name: 'p', flag: 'x', size: 1 << 30 }]),
      refused: /extended header/,
    },
    {
      what: 'PAX headers without an entry',
      tar: rawTar([{ name: 'p', flag: 'x', body: '9 uid=1\n' }]).subarray(0, 2048),
      refused: /PAX|extended header/,
    },
    {
      what: 'global headers that rename',
      tar: rawTar([{ name: 'g', flag: 'g', body: '19 path=/etc/owned\n' }, file('f')]),
      makes: ['f'],
    },
    {
      what: 'keys of PAX that are words of JavaScript',
      tar: rawTar([
        file('f', 'x', { pax: { ['__proto__']: 'x', constructor: 'y', 'SCHILY.xattr.user.__proto__': 'z' } }),
      ]),
      makes: ['f'],
    },
    {
      what: 'a sparse file of a terabyte',
      tar: rawTar([{ name: 's', flag: 'S', over: { 483: Buffer.from('17777777777777\0') } }]),
      refused: /sparse/,
    },
    {
      what: 'a sparse file by PAX',
      tar: rawTar([{ pax: { 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '1099511627776' } }]),
      refused: /sparse/,
    },
    { what: 'a cut body', tar: rawTar([file('f', 'x'.repeat(2000))]).subarray(0, 1500), refused: /truncated/ },
    { what: 'a cut header', tar: rawTar([file('f'), file('g')]).subarray(0, 1100), refused: /truncated/ },
    { what: 'no end', tar: rawTar([file('f')], false), makes: ['f'] },
    {
      what: 'garbage behind the end',
      tar: Buffer.concat([rawTar([file('f')]), Buffer.alloc(3000, 0xff)]),
      makes: ['f'],
    },
    { what: 'nothing', tar: Buffer.alloc(0) },
  ];
}
