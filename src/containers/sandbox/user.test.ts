import { expect, test } from 'vitest';
import { resolveUser } from './user.ts';

const passwd = [
  'root:x:0:0:root:/root:/bin/sh',
  'app:x:1000:1001:App:/home/app:/bin/sh',
  '2000:x:33:33:a number for a name:/odd:/bin/sh',
  'homeless:x:7:7:::',
  'broken:x:notanumber:1::/:',
  'short:x',
].join('\n');
const group = ['root:x:0:', 'app:x:1001:', 'extra:x:50:other,app', 'wheel:x:10:root,app', ''].join('\n');

test.each([
  ['', { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }, 'an empty text is root, with its groups'],
  ['app', { uid: 1000, gid: 1001, additionalGids: [1001, 50, 10], home: '/home/app' }, 'with every group it is in'],
  ['1000', { uid: 1000, gid: 1001, additionalGids: [1001, 50, 10], home: '/home/app' }, 'a known number is that user'],
  ['4000', { uid: 4000, gid: 0, additionalGids: [0], home: '/' }, 'an unknown number needs no entry'],
  ['2000', { uid: 2000, gid: 0, additionalGids: [0], home: '/' }, 'a number is never a name'],
  ['app:wheel', { uid: 1000, gid: 10, additionalGids: [10], home: '/home/app' }, 'a group replaces the others'],
  ['app:77', { uid: 1000, gid: 77, additionalGids: [77], home: '/home/app' }, 'an unknown gid needs no entry'],
  [':wheel', { uid: 0, gid: 10, additionalGids: [10], home: '/root' }, 'a group alone is root in it'],
  ['homeless', { uid: 7, gid: 7, additionalGids: [7], home: '/' }, 'no home is /'],
])('user "%s"', (text, expected) => {
  expect(resolveUser(text, passwd, group)).toEqual(expected);
});

test.each([
  ['nouser', 'unable to find user nouser: no matching entries in passwd file'],
  ['broken', 'unable to find user broken: no matching entries in passwd file'],
  ['app:nogroup', 'unable to find group nogroup: no matching entries in group file'],
  ['4294967296', 'uids and gids must be in range 0-2147483647'],
])('"%s" is a complaint in docker words', (text, message) => {
  expect(() => resolveUser(text, passwd, group)).toThrow(message);
});

test('an image without the two files knows root and numbers', () => {
  expect(resolveUser('', '', '')).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: '/' });
  expect(() => resolveUser('root', '', '')).toThrow(/no matching entries/);
});
