import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { BridgeNetwork } from '../../../src/containers/container.ts';
import { Machine, whyNoContainers } from './machine.ts';

const why = whyNoContainers();

describe.skipIf(why !== undefined)(`networks of containers${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let machine: Machine;
  let first: BridgeNetwork;
  let second: BridgeNetwork;
  let server: Server;
  let port: number;

  beforeAll(async () => {
    machine = new Machine();
    first = await machine.runtime.createNetwork('build:one');
    second = await machine.runtime.createNetwork('build:two');
    server = createServer((socket) => socket.end('reached the host\n'));
    port = await new Promise((resolve) => {
      server.listen(0, '0.0.0.0', () => resolve((server.address() as { port: number }).port));
    });
  });
  afterAll(async () => {
    server.close();
    await first.close();
    await first.close(); // a second time is nothing
    await second.close();
    expect(machine.leftovers()).toEqual([]);
    expect(execFileSync('nft', ['list', 'tables']).toString()).not.toContain(first.name);
    machine.remove();
  });
  afterEach(() => {
    const links = execFileSync('ip', ['-o', 'link']).toString();
    expect(links).not.toContain(`${first.name}v`);
    expect(links).not.toContain(`${second.name}v`);
  });

  const on = (bridge: BridgeNetwork) => ({ network: { kind: 'bridge', bridge } as const });

  test('none has nothing but loopback', async () => {
    const done = await machine.run('ip -o link; ip route');
    expect(done.stdout.trim().split('\n')).toHaveLength(1);
    expect(done.stdout).toMatch(/^1: lo: <LOOPBACK,UP/);
  });

  test('no port of the machine can be reached from a bridge, on any of its addresses', async () => {
    const addresses = Object.values(networkInterfaces())
      .flat()
      .map((entry) => entry?.address ?? '')
      .filter((address) => !address.startsWith('127.') && !address.includes(':'));
    const gateway = first.subnet.replace(/0\/24$/, '1');
    const script = [...new Set([...addresses, gateway])]
      .map((address) => `nc -w 1 ${address} ${port} </dev/null && echo REACHED ${address}`)
      .join('\n');
    const done = await machine.run(`${script}\necho end`, on(first));
    expect(done.stdout).toBe('end\n');
  });

  test('link-local addresses are dropped, although there is a route', async () => {
    const done = await machine.run('ip route; nc -w 1 169.254.169.254 80 </dev/null || echo unreachable', on(first));
    expect(done.stdout).toContain('default via');
    expect(done.stdout).toContain('unreachable');
  });

  test('two containers on one bridge reach each other, those of another bridge do not', async () => {
    const serving = new AbortController();
    let address = '';
    const serve = {
      ...machine.spec('ip -4 -o addr show eth0; while true; do echo hello | nc -l -p 8080; done'),
      ...on(first),
    };
    const served = machine.runtime.run(serve, {
      onStdout: (chunk) => {
        address ||= /inet ([\d.]+)/.exec(chunk.toString())?.[1] ?? '';
      },
      onStderr: () => undefined,
      signal: serving.signal,
    });
    served.catch(() => undefined);
    while (address === '') await new Promise((resolve) => setTimeout(resolve, 20));
    const ask = `for try in 1 2 3; do nc -w 1 ${address} 8080 </dev/null && exit 0; sleep 0.3; done; exit 9`;
    expect(await machine.run(ask, on(first))).toMatchObject({ code: 0, stdout: 'hello\n' });
    expect(await machine.run(ask, on(second))).toMatchObject({ code: 9, stdout: '' });
    serving.abort();
    await expect(served).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('a forged sender address does not help', async () => {
    const gateway = first.subnet.replace(/0\/24$/, '1');
    const done = await machine.run(
      `ip addr 2>/dev/null; ip addr add 192.0.2.77/32 dev eth0 || echo refused; nc -w 1 ${gateway} ${port} </dev/null || echo no`,
      on(first),
    );
    expect(done.stdout).toContain('refused'); // no CAP_NET_ADMIN
    expect(done.stdout).toContain('no\n');
  });

  test('names are resolved by a nameserver that the container can reach', async () => {
    const done = await machine.run('cat /etc/resolv.conf; cat /etc/hosts', on(first));
    expect(done.stdout).not.toMatch(/nameserver (127\.|::1)/);
    expect(done.stdout).toMatch(new RegExp(`${first.subnet.replace('.0/24', '')}\\.\\d+\\tbox`));
  });

  test('containers that start at once have addresses of their own', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => machine.run('ip -4 -o addr show eth0; sleep 0.5', on(first))));
    const addresses = runs.map(({ stdout }) => /inet ([\d.]+)/.exec(stdout)?.[1]);
    expect(new Set(addresses).size).toBe(3);
  });

  test('a nameserver on loopback is relayed, and a firewall that forwards nothing is opened for the bridge only', () => {
    const script = fileURLToPath(new URL('isolated-network.ts', import.meta.url));
    const seen = JSON.parse(
      execFileSync('unshare', ['--net', '--mount', process.execPath, '--import', 'tsx', script]).toString(),
    );
    expect(seen.done.stdout).toContain(`nameserver ${seen.subnet.replace('0/24', '1')}\noptions ndots:1\n`);
    expect(seen.done.stdout).toMatch(/Address: 10\.9\.8\.7/);
    expect(seen.during).toContain(`-A FORWARD -i ${seen.bridge} -j ACCEPT`);
    expect(seen.after).toBe('-P FORWARD DROP\n');
    expect(seen.leftovers).toEqual([]);
  });

  test('the machine network is only for those who are allowed to', async () => {
    const allowing = new Machine({ allowHostNetwork: true });
    try {
      const done = await allowing.run(`nc -w 1 127.0.0.1 ${port} </dev/null`, { network: { kind: 'host' } });
      expect(done).toMatchObject({ code: 0, stdout: 'reached the host\n' });
    } finally {
      allowing.remove();
    }
  });
});
