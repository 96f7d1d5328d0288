import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isArchive } from './is-archive.ts';
import { walkSource } from './walk-source.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-walk-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The source of all cases; what gcloud 528 uploads of it was asked with `gcloud meta list-files-for-upload`. */
const FILES = [
  ...[
    '!b',
    '#h',
    '.git/HEAD',
    '.gitignore',
    'Dockerfile',
    'a.log',
    'ab1',
    'build/o',
    'cb2',
    'deep/a/g.txt',
    'deep/h.txt',
  ],
  ...['docs/b.md', 'docs/keep.md', 'q[1]', 'sp ', 'x/.gcloudignore', 'x/a.log', 'x/build/o2'],
];

async function put(path: string, text = ''): Promise<void> {
  await mkdir(dirname(join(folder, 'source', path)), { recursive: true });
  await writeFile(join(folder, 'source', path), text);
}

async function walked(): Promise<string[]> {
  const lines: string[] = [];
  for await (const { path, stat } of walkSource(join(folder, 'source')))
    lines.push(`${stat.isDirectory() ? 'd' : stat.isSymbolicLink() ? 'l' : '-'}${path}`);
  return lines;
}

const filesOf = (lines: string[]) =>
  lines
    .filter((line) => line.startsWith('-'))
    .map((line) => line.slice(1))
    .sort();

describe('leaves out of the upload what gcloud leaves out', () => {
  it.each<[ignore: string, left: string[]]>([
    ['docs/\n!docs/keep.md', ['docs/b.md', 'docs/keep.md']],
    ['docs/*\n!docs/keep.md', ['docs/b.md']],
    ['*\n!Dockerfile\n!deep/**', ['', 'Dockerfile', 'deep/a/g.txt', 'deep/h.txt']],
    ['x/**\n!x/a.log', ['x/.gcloudignore', 'x/a.log', 'x/build/o2']],
    ['build', ['build/o', 'x/build/o2']],
    ['/build', ['build/o']],
    ['**/build', ['build/o', 'x/build/o2']],
    ['deep/**/g.txt', ['deep/a/g.txt']],
    ['[ab]*', ['a.log', 'ab1', 'build/o', 'deep/a/g.txt', 'docs/b.md', 'x/a.log', 'x/build/o2']],
    ['sp ', []],
    ['sp\\ ', ['sp ']],
    ['\\#h\n\\!b\n#a.log', ['!b', '#h']],
    ['a.log\\', []],
    ['q[1]', []],
    ['q\\[1\\]', []],
    ['Docker*\n*/b.md', ['Dockerfile', 'docs/b.md']],
    ['d?cs', ['docs/b.md', 'docs/keep.md']],
  ])('%j', async (ignore, left) => {
    for (const path of FILES) await put(path);
    await put('.gcloudignore', `${ignore}\n`);
    const all = [...FILES, '.gcloudignore'];
    // an empty first name turns the list round: these alone go
    const wanted = left[0] === '' ? left.slice(1) : all.filter((path) => !left.includes(path));
    expect(filesOf(await walked())).toEqual(wanted.sort());
  });

  it('goes by .gitignore, without the files of git, where there is no .gcloudignore', async () => {
    for (const path of FILES) await put(path);
    await put('.gitignore', '*.log\n');
    const left = ['.git/HEAD', '.gitignore', 'a.log', 'x/a.log', 'x/.gcloudignore'];
    expect(filesOf(await walked())).toEqual(FILES.filter((path) => !left.includes(path)).sort());
  });

  it('takes in the patterns of an included file', async () => {
    for (const path of ['a', 'dist/a']) await put(path);
    await put('.gitignore', 'dist/\n');
    await put('.gcloudignore', '#!include:.gitignore\n');
    expect(filesOf(await walked())).toEqual(['.gcloudignore', '.gitignore', 'a']);
  });

  it('takes everything where nothing says otherwise', async () => {
    for (const path of ['a', 'b/c']) await put(path);
    expect(filesOf(await walked())).toEqual(['a', 'b/c']);
  });
});

it('has links as links, empty folders, and a folder before what is in it', async () => {
  for (const path of ['b/x', 'a.txt', 'a/y']) await put(path);
  await symlink('gone', join(folder, 'source', 'broken'));
  await symlink('a', join(folder, 'source', 'linked'));
  await mkdir(join(folder, 'source', 'empty'));
  expect(await walked()).toEqual(['da', '-a/y', '-a.txt', 'db', '-b/x', 'lbroken', 'dempty', 'llinked']);
});

it('says that there is no such folder', async () => {
  await expect(walked()).rejects.toThrow('no such folder');
});

it('knows archives by their names', () => {
  expect(['a.tgz', 'a.tar.gz', 'a.zip', 'a', 'a.tar'].filter(isArchive)).toEqual(['a.tgz', 'a.tar.gz', 'a.zip']);
});
