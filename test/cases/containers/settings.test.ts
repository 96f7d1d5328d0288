import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Machine, whyNoContainers } from './machine.ts';

const why = whyNoContainers();
const hasInit = ['docker-init', 'tini-static', 'catatonit'].some((name) => existsSync(`/usr/bin/${name}`));
vi.setConfig({ testTimeout: 20_000 });

describe.skipIf(why !== undefined)(`settings of a container${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let machine: Machine;
  beforeAll(() => {
    machine = new Machine();
  });
  afterEach(() => expect(machine.leftovers()).toEqual([]));
  afterAll(() => machine.remove());

  test('a root file system that can not be written to, but its mounts can', async () => {
    const mounts = [{ kind: 'tmpfs', target: '/tmp' } as const];
    const done = await machine.run('touch /tmp/x && echo ok; touch /y', { readonlyRootfs: true, mounts });
    expect(done).toMatchObject({ code: 1, stdout: 'ok\n', stderr: expect.stringMatching(/Read-only file system/) });
  });

  test.each([
    [{ add: [], drop: ['CHOWN', 'cap_setuid'] }, '00000000a804257a'],
    [{ add: ['NET_ADMIN'], drop: [] }, '00000000a80435fb'],
    [{ add: ['KILL'], drop: ['ALL'] }, '0000000000000020'],
  ])('capabilities %j are %s', async (capabilities, expected) => {
    const done = await machine.run('grep CapEff /proc/self/status', { capabilities });
    expect(done.stdout).toBe(`CapEff:\t${expected}\n`);
  });

  test('a capability opens what the filter would refuse, and one that nobody knows is an error', async () => {
    const mounting = 'mount -t tmpfs x /mnt && echo mounted';
    const changes = { capabilities: { add: ['SYS_ADMIN'], drop: [] } };
    expect((await machine.run(`mkdir /mnt; ${mounting}`, changes)).stdout).toBe('mounted\n');
    expect((await machine.run(`mkdir /mnt; ${mounting}`)).stdout).toBe('');
    const unknown = machine.run('true', { capabilities: { add: ['NO_SUCH'], drop: [] } });
    await expect(unknown).rejects.toMatchObject({ message: 'invalid CapAdd: unknown capability: "CAP_NO_SUCH"' });
  });

  test('devices of the machine, at the wanted place and with the wanted rights', async () => {
    const devices = [{ source: '/dev/null', target: '/dev/nothing', access: 'r' }];
    const done = await machine.run('head -c 1 /dev/nothing | wc -c; stat -c %F /dev/nothing; echo x > /dev/nothing', {
      devices,
    });
    expect(done.stdout).toBe('0\ncharacter special file\n');
    const missing = machine.run('true', { devices: [{ source: '/dev/no-such', target: '/dev/x', access: 'rwm' }] });
    await expect(missing).rejects.toMatchObject({
      message:
        'error gathering device information while adding custom device "/dev/no-such": no such file or directory',
    });
  });

  test('limits of a process, kernel settings, shared memory and groups', async () => {
    const done = await machine.run(
      'ulimit -n; ulimit -Hn; cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced; grep /dev/shm /proc/mounts; id',
      {
        ulimits: [{ name: 'nofile', soft: 77, hard: 99 }],
        sysctls: { 'net.ipv4.ip_forward': '1', 'kernel.shm_rmid_forced': '1' },
        shmBytes: 1 << 20,
        extraGroups: ['staff', '4711'],
      },
    );
    expect(done.stdout).toMatch(/^77\n99\n1\n1\n.*size=1024k/);
    expect(done.stdout).toMatch(/groups=0\(root\),50\(staff\),4711/);
    const unlimited = await machine.run('ulimit -c', { ulimits: [{ name: 'core', soft: -1, hard: -1 }] });
    expect(unlimited.stdout).toBe('unlimited\n');
  });

  test('no new rights, no filter', async () => {
    const asked = 'grep -E "NoNewPrivs|Seccomp:" /proc/self/status';
    expect((await machine.run(asked)).stdout).toBe('NoNewPrivs:\t0\nSeccomp:\t2\n');
    const changes = { noNewPrivileges: true, unconfined: true };
    expect((await machine.run(asked, changes)).stdout).toBe('NoNewPrivs:\t1\nSeccomp:\t0\n');
  });

  test('namespaces of the machine, and nothing runs on when it ends', async () => {
    const shared = ['pid', 'ipc', 'uts'] as const;
    const done = await machine.start(`hostname; cat /proc/${process.pid}/comm; sleep 72 & sleep 73; wait`, {
      shared: [...shared],
    });
    const own = readFileSync(`/proc/${process.pid}/comm`, 'utf8');
    await expect.poll(done.stdout).toBe(`${hostname()}\n${own}`);
    await expect.poll(async () => (await done.it.processes()).length).toBe(3);
    const pids = await done.it.processes();
    expect(pids).toContain(done.it.pid);
    await done.it.signal('KILL');
    expect((await done.it.exited).code).toBe(137);
    for (const pid of pids) expect(runs(pid)).toBe(false);
  });

  test.skipIf(!hasInit)('an init reaps what nobody waits for, passes signals on, and is docker-init', async () => {
    const script = 'trap "exit 5" TERM; (sh -c "sleep 0.1 &"); echo ready; while true; do sleep 0.05; done';
    const done = await machine.start(script, { init: true });
    await expect.poll(done.stdout).toBe('ready\n');
    const first = async () => readFileSync(`/proc/${done.it.pid}/cmdline`, 'utf8').split('\0').slice(0, 2).join(' ');
    expect(await first()).toBe('/sbin/docker-init --');
    const zombies = async () => (await done.it.processes()).filter((pid) => stateOf(pid) === 'Z');
    await new Promise((resolve) => setTimeout(resolve, 300));
    // one that has just ended is one for a moment; without an init it would stay
    await expect.poll(zombies).toEqual([]);
    await done.it.signal('TERM');
    expect((await done.it.exited).code).toBe(5);
  });

  test('a terminal looks to its program as docker makes it', async () => {
    const done = await machine.start('stty -a', {}, { terminal: { rows: 24, columns: 80 } });
    await done.it.exited;
    const settings = done.stdout().split(/[\s;]+/);
    expect(settings).toEqual(expect.arrayContaining(['onlcr', 'opost', 'icanon', 'isig', 'echo', 'icrnl']));
  });

  test('the files of one that runs are seen with its mounts', async () => {
    const source = join(machine.folder, 'bound');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'bound');
    const mounts = [{ kind: 'bind', source, target: '/mnt/x', readonly: true } as const];
    const done = await machine.start('echo inside > /made; sleep 74', { mounts });
    await expect.poll(() => existsSync(join(done.it.rootfs, 'made'))).toBe(true);
    expect(readFileSync(join(done.it.rootfs, 'mnt/x/file'), 'utf8')).toBe('bound');
    await done.it.signal('KILL');
    await done.it.exited;
  });
});

/** Undefined when it has ended since it was listed, as each of the script's sleeps soon does. */
function stateOf(pid: number): string | undefined {
  try {
    return /^State:\s*(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** False for a zombie, too: whose parent asks for it is not ours to say. */
function runs(pid: number): boolean {
  const state = stateOf(pid);
  return state !== undefined && state !== 'Z' && state !== 'X';
}
