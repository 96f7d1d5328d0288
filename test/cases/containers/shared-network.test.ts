import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BridgeNetwork, ContainerSpec, PublishedPort } from '../../../src/containers/container.ts';
import { exec, Machine, whyNoContainers } from './machine.ts';

const why = whyNoContainers();
vi.setConfig({ testTimeout: 30_000 });

describe.skipIf(why !== undefined)(`containers on one network${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let machine: Machine;
  let bridge: BridgeNetwork;
  beforeAll(async () => {
    machine = new Machine();
    bridge = await machine.runtime.createNetwork('shared');
  });
  afterAll(async () => {
    await bridge.close();
    expect(machine.leftovers()).toEqual([]);
    machine.remove();
  });
  const ended: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ended.splice(0)) await end();
  });
  const on = (names: string[], changes: Partial<ContainerSpec> = {}) => {
    return { network: { kind: 'bridge', bridge, names } as const, ...changes };
  };
  const server = async (script: string, changes: Partial<ContainerSpec>) => {
    const started = await machine.start(script, changes);
    ended.push(async () => {
      await started.it.signal('KILL');
      await started.it.exited;
    });
    return started;
  };

  test('find each other by name, until they end', async () => {
    const db = await server('while true; do echo hello | nc -l -p 5432; done', on(['db', 'main-db']));
    const client = await server('sleep 70', on(['client']));
    const ask = async (name: string) => (await run(client.it, ['nslookup', name])).code;
    expect(await ask('db')).toBe(0);
    const names = await run(client.it, ['sh', '-c', 'nslookup MAIN-DB; cat /etc/resolv.conf']);
    expect(names.stdout).toContain(db.it.address);
    expect(names.stdout).toContain(`nameserver ${bridge.subnet.replace('.0/24', '.1')}`);
    expect((await run(client.it, ['nc', 'db', '5432'])).stdout).toBe('hello\n');
    await db.it.signal('KILL');
    await db.it.exited;
    expect(await ask('db')).not.toBe(0);
    expect(await ask('client')).toBe(0);
  });

  test('the gateway keeps its link address, whoever comes and goes', async () => {
    const address = () => readFileSync(`/sys/class/net/${bridge.name}/address`, 'utf8').trim();
    const before = address();
    expect(before).toMatch(/^02:42:/);
    await machine.run('true', on([]));
    expect(address()).toBe(before);
  });

  test('one may have the network of another: its addresses, its loopback, its names', async () => {
    const script = 'while true; do echo inside | nc -l -p 81; done';
    const id = (await machine.start(script, on(['second'], { id: 'second' }))).it;
    const beside = await machine.run('ip -4 -o addr show eth0; cat /etc/hosts; nc 127.0.0.1 81', {
      network: { kind: 'container', id: 'second' },
    });
    expect(beside.stdout).toContain(`inet ${id.address}/24`);
    expect(beside.stdout).toContain(`${id.address}\tbox`);
    expect(beside.stdout).toMatch(/inside\n$/);
    await id.signal('KILL');
    await id.exited;
    const gone = machine.run('true', { network: { kind: 'container', id: 'second' } });
    await expect(gone).rejects.toMatchObject({ message: 'cannot join network of a non running container: second' });
  });

  test('an internal network has names and no way out', async () => {
    const internal = await machine.runtime.createNetwork('internal', { internal: true });
    try {
      const network = { kind: 'bridge', bridge: internal, names: ['alone'] } as const;
      const done = await machine.run('nslookup alone >&2 && ip route; nslookup example.com', { network });
      expect(done.stdout).not.toContain('default');
      expect(done.stdout).toMatch(/NXDOMAIN|can't find|can't resolve/);
      expect(done.stderr).toContain(internal.subnet.replace('.0/24', '.2'));
    } finally {
      await internal.close();
    }
  });

  test('a published port leads to the container, both ways to the end, and ends with it', async () => {
    const ports = [{ protocol: 'tcp', containerPort: 80, hostAddress: '127.0.0.1', hostPort: 0 } as const];
    const web = await server('while true; do nc -l -p 80 -e wc -c; done', on([], { ports }));
    const port = web.it.ports[0]?.hostPort ?? 0;
    expect(port).toBeGreaterThan(1023);
    await expect.poll(() => talk(port, 'x'.repeat(1 << 20))).toBe('1048576\n');
    const taken = machine.start('true', on([], { ports: [{ ...ports[0], hostPort: port } as (typeof ports)[0]] }));
    await expect(taken).rejects.toMatchObject({
      code: 'conflict',
      message: `Bind for 127.0.0.1:${port} failed: port is already allocated`,
    });
    const anywhere = { ...web.it.ports[0], hostAddress: '' } as PublishedPort;
    await expect(machine.start('true', on([], { ports: [anywhere] }))).rejects.toMatchObject({
      message: `Bind for 0.0.0.0:${port} failed: port is already allocated`,
    });
    await web.it.signal('KILL');
    await web.it.exited;
    await expect(talk(port, 'x')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('the machine may connect to a container, which still reaches no port of the machine', async () => {
    const listening = createServer((socket) => socket.end('machine'));
    await new Promise<void>((resolve) => listening.listen(0, '0.0.0.0', resolve));
    const { port } = listening.address() as { port: number };
    const web = await server('while true; do echo container | nc -l -p 80; done', on([]));
    await expect.poll(() => talk(80, '', web.it.address)).toBe('container\n');
    const back = await run(web.it, ['nc', '-w', '1', bridge.subnet.replace('.0/24', '.1'), String(port)]);
    expect(back.stdout).toBe('');
    await new Promise((resolve) => listening.close(resolve));
  });

  test('what somebody asks for stands in resolv.conf', async () => {
    const dns = { servers: ['10.9.8.7'], search: ['a.example', 'b.example'], options: ['ndots:3'] };
    const done = await machine.run('cat /etc/resolv.conf', on(['x'], { dns }));
    expect(done.stdout).toBe('search a.example b.example\nnameserver 10.9.8.7\noptions ndots:3\n');
  });
});

async function run(container: Parameters<typeof exec>[0], args: string[]) {
  const done = await exec(container, args);
  return { ...(await done.it.exited), stdout: done.stdout() };
}

/** Says something, ends, and listens to the end. */
async function talk(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  return await new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect({ port, host, allowHalfOpen: true }, () => socket.end(text));
    socket.on('data', (chunk) => {
      heard += String(chunk);
    });
    socket.on('error', reject);
    socket.on('end', () => resolve(heard));
  });
}
