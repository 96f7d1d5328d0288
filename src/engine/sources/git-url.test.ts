import { expect, it } from 'vitest';
import { parseGitUrl } from './git-url.ts';

it.each([
  ['https://h/r.git', { remote: 'https://h/r.git' }],
  ['https://h/r.git#v1', { remote: 'https://h/r.git', ref: 'v1' }],
  ['https://h/r.git#:sub/dir', { remote: 'https://h/r.git', subdir: 'sub/dir' }],
  ['https://h/r.git#feature/x:sub', { remote: 'https://h/r.git', ref: 'feature/x', subdir: 'sub' }],
  ['git@h:o/r.git#main', { remote: 'git@h:o/r.git', ref: 'main' }],
  ['ssh://git@h:22/r.git', { remote: 'ssh://git@h:22/r.git' }],
  ['git://h/r.git', { remote: 'git://h/r.git' }],
  ['github.com/o/r', { remote: 'https://github.com/o/r' }],
  ['https://u:p%40@h/r.git', { remote: 'https://h/r.git', credentials: 'u:p@' }],
  ['https://h/r.git?ref=v1&subdir=a', { remote: 'https://h/r.git', ref: 'v1', subdir: 'a' }],
  ['https://h/r.git?tag=v1', { remote: 'https://h/r.git', ref: 'refs/tags/v1' }],
  ['https://h/r.git?branch=b&submodules=false', { remote: 'https://h/r.git', ref: 'refs/heads/b', submodules: false }],
  ['ssh://git:secret@h:22/r.git#v1', { remote: 'ssh://git@h:22/r.git', ref: 'v1' }],
  ['ssh://:secret@h/r.git', { remote: 'ssh://h/r.git' }],
  ['git://u:secret@h/r.git', { remote: 'git://u@h/r.git' }],
  ['https://h/r.git?keep-git-dir', { remote: 'https://h/r.git', keepGitDir: true }],
])('reads %s', (text, source) => {
  expect(parseGitUrl(text)).toEqual(source);
});

it.each([
  ['file:///etc', 'denied'],
  ['ext::sh -c id', 'denied'],
  ['https://h/r.git#--upload-pack=x', 'invalid'],
  ['https://h/r.git?nope=1', 'invalid'],
  ['https://h/r.git?ref=a&tag=b', 'invalid'],
])('refuses %s', (text, code) => {
  expect(() => parseGitUrl(text)).toThrow(expect.objectContaining({ code }));
});

it('complains without the password of the address', () => {
  for (const query of ['nope=1', 'ref=a&tag=b'])
    expect(() => parseGitUrl(`https://u:token@h/r.git?${query}`)).toThrow(/^https:\/\/h\/r\.git: /);
  expect(() => parseGitUrl('ssh://git:secret@h:port/r.git')).toThrow(
    'ssh://h:port/r.git is no address of a repository',
  );
});
