import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesAbove } from './image-files.ts';
import { openTestEngine, type TestEngine } from './test-engine.ts';

/** Links in a context mean what they would mean if the context were the whole disk. */
describe('a context that leads outside', () => {
  let test: TestEngine;
  let context: string;
  beforeAll(async () => {
    test = await openTestEngine();
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    context = await mkdtemp(join(tmpdir(), 'slipway-context-'));
  });
  afterEach(() => rm(context, { recursive: true }));

  const build = async (copy: string) => {
    await writeFile(join(context, 'Dockerfile'), `FROM scratch\n${copy}\n`);
    const { image } = await test.build(context, { tags: ['safe:1'] });
    expect(image.id).toMatch(/^sha256:/);
    const { layers } = await test.engine.inspect('safe:1', test.caller());
    return await filesAbove(test.deps, layers);
  };

  it.each([
    ['an absolute link', '/etc/passwd'],
    ['a relative one', '../../../../../../../etc/passwd'],
  ])('finds nothing behind %s', async (_, target) => {
    await symlink(target, join(context, 'out'));
    await expect(build('COPY out /x')).rejects.toMatchObject({ code: 'not-found', path: 'out' });
  });

  it('finds nothing below a link to a folder of the host', async () => {
    await symlink('/etc', join(context, 'etc-of-host'));
    await expect(build('COPY etc-of-host/passwd /x')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('reads its own file when a link happens to name one', async () => {
    await mkdir(join(context, 'etc'));
    await writeFile(join(context, 'etc/passwd'), 'mine');
    await symlink('/etc/passwd', join(context, 'out'));
    expect(await build('COPY out /x')).toEqual({ x: 'file 644 0:0 "mine"' });
  });

  it('copies a link inside a folder as the link that it is', async () => {
    await mkdir(join(context, 'src'));
    await symlink('/etc/passwd', join(context, 'src/out'));
    expect(await build('COPY src /src')).toEqual({ src: 'folder 755 0:0', 'src/out': 'symlink 0:0 -> /etc/passwd' });
  });
});
