import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Machine, whyNoContainers } from './machine.ts';

const why = whyNoContainers();

describe.skipIf(why !== undefined)(`the process of a container${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let machine: Machine;
  beforeAll(() => {
    machine = new Machine();
  });
  afterEach(() => expect(machine.leftovers()).toEqual([]));
  afterAll(() => machine.remove());

  test('this machine lacks nothing', async () => {
    expect(await machine.runtime.probe()).toEqual([]);
  });

  test('exit codes and both streams come through, separately', async () => {
    const done = await machine.run('echo to out; echo to err >&2; exit 7');
    expect(done).toMatchObject({ code: 7, stdout: 'to out\n', stderr: 'to err\n', outOfMemory: false });
    expect(await machine.run("sh -c 'kill -9 $$'; exit $?")).toMatchObject({ code: 137 });
    expect(await machine.run('cat')).toMatchObject({ code: 0, stdout: '' }); // standard input is empty
  });

  test('a program that the image lacks is named in runc words, without noise on standard error', async () => {
    const chunks: Buffer[] = [];
    const spec = { ...machine.spec(''), args: ['no-such-program'] };
    const io = {
      onStdout: () => undefined,
      onStderr: (chunk: Buffer) => chunks.push(chunk),
      signal: new AbortController().signal,
    };
    await expect(machine.runtime.run(spec, io)).rejects.toMatchObject({
      code: 'invalid',
      exitCode: 127,
      message: expect.stringContaining('exec: "no-such-program": executable file not found in $PATH'),
    });
    expect(Buffer.concat(chunks).toString()).toBe('');
  });

  test('a file that is no program is told apart from one that is missing', async () => {
    const spec = { ...machine.spec(''), args: ['/etc/passwd'] };
    const io = { onStdout: () => undefined, onStderr: () => undefined, signal: new AbortController().signal };
    await expect(machine.runtime.run(spec, io)).rejects.toMatchObject({ code: 'invalid', exitCode: 126 });
  });

  test('a program that only looks like a failing runc is heard', async () => {
    const done = await machine.run('echo "runc run failed: really?" >&2; exit 1');
    expect(done).toMatchObject({ code: 1, stderr: 'runc run failed: really?\n' });
  });

  test('the environment is the one given, with PATH and HOME added', async () => {
    const done = await machine.run('env', { env: ['A=b c', 'EMPTY='], user: 'app' });
    const lines = done.stdout.split('\n');
    expect(lines).toEqual(expect.arrayContaining(['A=b c', 'EMPTY=', 'HOME=/home/app']));
    expect(lines).toContain('PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
    const own = await machine.run('env', { env: ['PATH=/bin', 'HOME=/else'] });
    expect(own.stdout).toContain('PATH=/bin\n');
    expect(own.stdout).toContain('HOME=/else\n');
  });

  test.each([
    ['', 'uid=0(root) gid=0(root) groups=0(root)'],
    ['app', 'uid=1000(app) gid=1001(app) groups=1001(app),2000(extra)'],
    ['1000', 'uid=1000(app) gid=1001(app) groups=1001(app),2000(extra)'],
    ['app:staff', 'uid=1000(app) gid=50(staff) groups=50(staff)'],
    ['4711:4712', 'uid=4711 gid=4712 groups=4712'],
  ])('user "%s" is looked up in the image', async (user, expected) => {
    expect((await machine.run('id', { user })).stdout.trim()).toBe(expected);
  });

  test('an unknown user is a complaint in docker words', async () => {
    await expect(machine.run('id', { user: 'nouser' })).rejects.toMatchObject({
      code: 'invalid',
      message: 'unable to find user nouser: no matching entries in passwd file',
    });
  });

  test('root has the 14 default capabilities and others have none', async () => {
    expect((await machine.run('grep CapEff /proc/self/status')).stdout).toBe('CapEff:\t00000000a80425fb\n');
    expect((await machine.run('grep CapEff /proc/self/status', { user: 'app' })).stdout).toBe(
      'CapEff:\t0000000000000000\n',
    );
  });

  test('the default seccomp filter holds, and /proc/sys is read-only', async () => {
    expect((await machine.run('grep Seccomp: /proc/self/status')).stdout).toBe('Seccomp:\t2\n');
    expect(await machine.run('unshare -U true')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/not permitted/),
    });
    expect(await machine.run('echo 1 > /proc/sys/kernel/hostname')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Read-only file system/),
    });
    expect(await machine.run('cat /proc/kcore')).toMatchObject({ stdout: '' });
  });

  test('the working folder is created, as a part of what the container changed', async () => {
    const done = await machine.run('pwd; stat -c "%a %u" .', { cwd: '/srv/app/x', user: 'app' });
    expect(done.stdout).toBe('/srv/app/x\n755 0\n');
    expect(done.changed).toEqual(['srv', 'srv/app', 'srv/app/x']);
  });

  test('names: hostname, hosts with extra lines, and the umask', async () => {
    const done = await machine.run('hostname; cat /etc/hostname /etc/hosts; umask', {
      extraHosts: ['db:10.1.2.3', 'six:fe80::1'],
    });
    expect(done.stdout.startsWith('box\nbox\n127.0.0.1\tlocalhost\n')).toBe(true);
    expect(done.stdout).toContain('10.1.2.3\tdb\nfe80::1\tsix\n127.0.0.1\tbox\n0022\n');
  });

  test('folders and files are bound, read-only when asked, and may be nested', async () => {
    const workspace = join(machine.folder, 'workspace');
    mkdirSync(join(workspace, 'sub'), { recursive: true });
    writeFileSync(join(machine.folder, 'secret'), 'psst');
    const done = await machine.run(
      'echo hi > /workspace/file; cat /run/secrets/token; echo x > /workspace/ro/y; touch /scratch/z; stat -c %a /scratch',
      {
        mounts: [
          { kind: 'bind', source: join(machine.folder, 'secret'), target: '/run/secrets/token', readonly: true },
          { kind: 'bind', source: join(workspace, 'sub'), target: '/workspace/ro/', readonly: true },
          { kind: 'bind', source: workspace, target: '/workspace', readonly: false },
          { kind: 'tmpfs', target: '/scratch', sizeBytes: 1 << 20 },
        ],
        cwd: '/workspace/made',
      },
    );
    expect(done).toMatchObject({
      code: 0,
      stdout: 'psst1777\n',
      stderr: expect.stringMatching(/Read-only file system/),
    });
    expect(done.changed).toEqual([]);
  });

  test('a bind mount without source, two containers of one name, the host network: each a complaint', async () => {
    const missing = { kind: 'bind', source: '/no/such/source', target: '/x', readonly: true } as const;
    await expect(machine.run('true', { mounts: [missing] })).rejects.toMatchObject({ code: 'invalid' });
    await expect(machine.run('true', { network: { kind: 'host' } })).rejects.toMatchObject({ code: 'denied' });
    const both = await Promise.allSettled([machine.run('true', { id: 'same' }), machine.run('true', { id: 'same' })]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});
