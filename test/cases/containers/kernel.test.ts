import { execFileSync, spawn } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as libc from '../../../src/kernel/libc.ts';
import { mount, unmount } from '../../../src/kernel/mount.ts';
import { readMountTable } from '../../../src/kernel/mount-table.ts';
import { makeNode, makeWhiteout } from '../../../src/kernel/node-file.ts';
import { getXattr, setXattr } from '../../../src/kernel/xattr.ts';
import { startTimeOf } from '../../../src/lib/process-mark.ts';

vi.mock('../../../src/kernel/libc.ts', { spy: true });

describe.skipIf(process.getuid?.() !== 0)('what only root may ask of the kernel (skipped without root)', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway kernel,:'));
  });
  afterEach(() => {
    vi.mocked(libc.nativeAvailable).mockReset();
    rmSync(folder, { recursive: true });
  });

  test.each([true, false])('mounts come and go, by the C library: %s', async (native) => {
    vi.mocked(libc.nativeAvailable).mockReturnValue(native);
    const [source, target] = [join(folder, 'source'), join(folder, 'target')];
    for (const path of [source, target]) mkdirSync(path);
    writeFileSync(join(source, 'file'), '');
    await mount({ source, target, type: '', flags: ['bind'] });
    await mount({ source: 'none', target, type: 'tmpfs', flags: ['nosuid', 'nodev'], options: 'size=4096,mode=700' });
    const mine = (await readMountTable()).filter((entry) => entry.target === target);
    expect(mine.map(({ type }) => type)).toEqual([expect.any(String), 'tmpfs']);
    expect(lstatSync(target).mode & 0o777).toBe(0o700);
    await unmount(target);
    expect(readdirSync(target)).toEqual(['file']);
    await unmount(target, { lazy: true });
    expect(readdirSync(target)).toEqual([]);
    await expect(unmount(target)).rejects.toThrow();
  });

  test('a mount that fails has the code of the kernel', async () => {
    const missing = join(folder, 'missing');
    await expect(mount({ source: 'none', target: missing, type: 'tmpfs' })).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(unmount(folder)).rejects.toMatchObject({ code: 'EINVAL', syscall: 'umount2' });
  });

  test('a process that asked for it dies with its parent', async () => {
    const module = new URL('../../../src/kernel/parent-death.ts', import.meta.url).href;
    const script = `const { dieWithParent } = await import(${JSON.stringify(module)});
      console.log(dieWithParent(process.ppid) && !dieWithParent(1) ? process.pid : 'no');
      setInterval(() => undefined, 1000);`;
    const child = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
    const parent = spawn('sh', ['-c', '"$@" & wait', 'sh', ...child], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = Number(
      await new Promise<string>((resolve) => parent.stdout.once('data', (text) => resolve(`${text}`))),
    );
    expect(startTimeOf(pid)).toBeGreaterThan(0);
    parent.kill('SIGKILL');
    await expect.poll(() => startTimeOf(pid)).toBeUndefined(); // a zombie counts as gone
  });

  test('device nodes and whiteouts', () => {
    makeNode(join(folder, 'null'), 'character', 0o666, 1, 3);
    expect(execFileSync('stat', ['-c', '%t,%T %F', join(folder, 'null')]).toString()).toBe(
      '1,3 character special file\n',
    );
    makeWhiteout(join(folder, 'gone'));
    expect(lstatSync(join(folder, 'gone'))).toMatchObject({ rdev: 0 });
  });

  test('attributes that only root sees', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex'); // cap_net_raw=ep
    setXattr(file, 'security.capability', capability);
    setXattr(file, 'trusted.overlay.opaque', Buffer.from('y'));
    expect(getXattr(file, 'security.capability')).toEqual(capability);
    expect(getXattr(file, 'trusted.overlay.opaque')?.toString()).toBe('y');
  });
});
