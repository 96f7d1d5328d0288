import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesAbove } from './image-files.ts';
import { isRoot } from './needs.ts';
import { openTestEngine, type TestEngine } from './test-engine.ts';

describe.skipIf(!isRoot)('ADD of local files', () => {
  let test: TestEngine;
  let context: string;
  beforeAll(async () => {
    test = await openTestEngine();
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    context = await mkdtemp(join(tmpdir(), 'slipway-context-'));
    const tree = join(context, 'tree');
    await mkdir(join(tree, 'sub'), { recursive: true });
    await writeFile(join(tree, 'sub/a'), 'a', { mode: 0o640 });
    await link(join(tree, 'sub/a'), join(tree, 'sub/b'));
    await symlink('sub/a', join(tree, 'link'));
    execFileSync('chown', ['-R', '7:8', tree]);
  });
  afterEach(() => rm(context, { recursive: true }));

  const build = async (line: string) => {
    await writeFile(join(context, 'Dockerfile'), `FROM scratch\n${line}\n`);
    const result = await test.build(context, { tags: ['add:1'] });
    const { layers } = await test.engine.inspect('add:1', test.caller());
    return { files: await filesAbove(test.deps, layers), steps: result.steps };
  };
  const pack = (name: string, ...flags: string[]) =>
    execFileSync('tar', [...flags, '--sort=name', '-cf', join(context, name), '-C', join(context, 'tree'), '.']);

  it.each([
    ['tar', []],
    ['tar.gz', ['-z']],
    ['tar.bz2', ['-j']],
    ['tar.xz', ['-J']],
    ['tar.zst', ['--zstd']],
  ])('unpacks a %s where it is told to, with the owners that the archive says', async (ending, flags) => {
    pack(`x.${ending}`, ...flags);
    const { files } = await build(`ADD x.${ending} /opt/x/`);
    expect(files).toEqual({
      opt: 'folder 755 0:0',
      'opt/x': 'folder 755 0:0',
      'opt/x/link': 'symlink 7:8 -> sub/a',
      'opt/x/sub': 'folder 755 7:8',
      'opt/x/sub/a': 'file 640 7:8 "a"',
      'opt/x/sub/b': 'hardlink 7:8 -> opt/x/sub/a',
    });
    expect((await build(`ADD x.${ending} /opt/x/`)).steps[0]?.status).toBe('cached');
  });

  it('copies what only has the name of an archive, and an archive that COPY names', async () => {
    await writeFile(join(context, 'fake.tar'), 'not a tar');
    expect((await build('ADD fake.tar /f/')).files).toEqual({
      f: 'folder 755 0:0',
      'f/fake.tar': 'file 644 0:0 "not a tar"',
    });
    execFileSync('gzip', [join(context, 'fake.tar')]);
    expect(Object.keys((await build('ADD fake.tar.gz /f/')).files)).toEqual(['f', 'f/fake.tar.gz']);
    pack('x.tar.gz', '-z');
    expect(Object.keys((await build('COPY x.tar.gz /f/')).files)).toEqual(['f', 'f/x.tar.gz']);
  });
});
