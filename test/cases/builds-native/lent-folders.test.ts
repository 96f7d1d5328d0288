import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RequestedMount } from '../../../src/containers/container-request.ts';
import { LentFolders } from '../../../src/containers/lent/lent-folders.ts';

const needsRoot = process.getuid?.() === 0 ? '' : ': needs root';

/** What a container of a build's docker socket may bind: folders that steps write to at the same time. */
describe.skipIf(needsRoot !== '')(`lent folders${needsRoot}`, () => {
  let folder: string;
  let lent: LentFolders;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-lent-'));
    await mkdir(join(folder, 'ws/sub'), { recursive: true });
    await writeFile(join(folder, 'ws/sub/file'), 'inside');
    await writeFile(join(folder, 'sock'), '');
    lent = new LentFolders(
      new Map([
        ['/workspace', join(folder, 'ws')],
        ['/var/run/docker.sock', join(folder, 'sock')],
      ]),
      join(folder, 'run'),
    );
  });
  afterEach(async () => {
    await lent.close();
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder);
    expect(await readdir(join(folder, 'run')).catch(() => [])).toEqual([]);
    await rm(folder, { recursive: true });
  });

  const bind = (source: string, create = true): RequestedMount => ({
    kind: 'bind',
    source,
    target: '/x',
    readonly: false,
    create,
  });
  const sourceOf = ({ mounts: [mount] }: { mounts: RequestedMount[] }) => (mount?.kind === 'bind' ? mount.source : '');

  it('gives what is meant, also after the name means something else', async () => {
    const given = await lent.lend([bind('/workspace/sub')]);
    expect(given.lent.size).toBe(1);
    await rename(join(folder, 'ws/sub'), join(folder, 'ws/old'));
    await symlink('/etc', join(folder, 'ws/sub'));
    expect(await readdir(sourceOf(given))).toEqual(['file']);
    await given.drop();
  });

  it('follows no link out', async () => {
    await symlink('/etc', join(folder, 'ws/out'));
    await symlink('../../..', join(folder, 'ws/up'));
    for (const source of ['/workspace/out', '/workspace/up/etc', '/workspace/../etc', '/workspace/sub/../../../etc']) {
      const given = await lent.lend([bind(source)]).catch(() => undefined);
      if (given === undefined) continue;
      if (given.lent.size > 0) expect(await readdir(sourceOf(given))).not.toContain('passwd');
      await given.drop();
    }
  });

  it('makes what -v makes, and refuses what --mount refuses', async () => {
    const given = await lent.lend([bind('/workspace/new/deep')]);
    await writeFile(join(sourceOf(given), 'made'), '');
    expect(await readdir(join(folder, 'ws/new/deep'))).toEqual(['made']);
    given.keep('c1');
    await lent.release('c1');
    await expect(lent.lend([bind('/workspace/none', false)])).rejects.toThrow(
      'invalid mount config for type "bind": bind source path does not exist: /workspace/none',
    );
  });

  it('lends files and sockets, and nothing else of the machine', async () => {
    const given = await lent.lend([bind('/var/run/docker.sock'), bind('/etc'), bind('/workspacer'), bind('/var/run')]);
    expect(given.mounts.slice(1)).toEqual([bind('/etc'), bind('/workspacer'), bind('/var/run')]);
    expect(given.lent.size).toBe(1);
    await given.drop();
  });

  it('gives to another container what one has, for its own time', async () => {
    const first = await lent.lend([bind('/workspace/sub')]);
    first.keep('c1');
    const second = await lent.lend([bind(sourceOf(first))]);
    second.keep('c2');
    await lent.release('c1');
    expect(await readdir(sourceOf(second))).toEqual(['file']);
  });
});
