import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StepFiles } from './step-files.ts';

let outside: string;
let files: StepFiles;
beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'slipway-files-'));
  await mkdir(join(outside, 'workspace'));
  await mkdir(join(outside, 'volume'));
  await writeFile(join(outside, 'secret'), 'of the host');
  files = new StepFiles(
    new Map([
      ['/workspace', join(outside, 'workspace')],
      ['/workspace/vol', join(outside, 'volume')],
    ]),
  );
});
afterEach(() => rm(outside, { recursive: true, force: true }));

async function write(path: string, content: string): Promise<void> {
  const stream = await files.write(path);
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject);
    stream.end(content, () => resolve());
  });
}

describe('the files of a step', () => {
  it('are read, written and listed by the paths that the step sees, the longest root first', async () => {
    await write('/workspace/a/b.txt', 'x');
    await write('/workspace/vol/c', 'y');
    expect(await readFile(join(outside, 'workspace/a/b.txt'), 'utf8')).toBe('x');
    expect(await readFile(join(outside, 'volume/c'), 'utf8')).toBe('y');
    expect(await files.stat('/workspace/a/b.txt')).toMatchObject({ kind: 'file', size: 1 });
    expect(await files.stat('/workspace/none')).toBeUndefined();
    expect((await files.list('/workspace/a')).map((one) => one.name)).toEqual(['b.txt']);
    await files.remove('/workspace/a/b.txt');
    expect(await files.list('/workspace/a')).toEqual([]);
  });

  it('never lie outside, whatever the links say', async () => {
    await symlink(join(outside, 'secret'), join(outside, 'workspace/file'));
    await symlink(outside, join(outside, 'workspace/folder'));
    await symlink('../..', join(outside, 'workspace/up'));
    for (const path of ['file', 'folder/secret', 'up/secret'])
      await expect(files.read(`/workspace/${path}`)).rejects.toMatchObject({ code: 'not-found' });
    await write('/workspace/up/evil', 'x');
    await expect(stat(join(outside, 'evil'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(files.read('/etc/passwd')).rejects.toMatchObject({ code: 'not-found' });
    await expect(files.read('/workspace/../etc/passwd')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('a pinned folder stays the same folder when its name is swapped', async () => {
    await write('/workspace/context/Dockerfile', 'FROM scratch');
    await files.pinned('/workspace/context', async (pinned) => {
      await rm(join(outside, 'workspace/context'), { recursive: true });
      await symlink('/etc', join(outside, 'workspace/context'));
      await expect(readFile(join(pinned, 'passwd'))).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });

  it('streams what it reads', async () => {
    await write('/workspace/a', 'hello');
    expect(await text(await files.read('/workspace/a'))).toBe('hello');
    await expect(files.read('/workspace')).rejects.toMatchObject({ code: 'invalid' });
  });
});
