import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BridgeNetwork } from '../../../src/containers/container.ts';
import { Machine, whyNoContainers } from './machine.ts';

const why = whyNoContainers();
const ADDRESS = '169.254.169.254';

/** What this machine offers on a bridge: to its containers, by one address and name, and nothing beside it. */
describe.skipIf(why !== undefined)(`services on a bridge${why === undefined ? '' : `: ${why}`}`, () => {
  let machine: Machine;
  let server: Server;
  const bridges: BridgeNetwork[] = [];

  beforeEach(() => {
    machine = new Machine();
    server = createServer((request, response) => response.end(`${request.headers.host} ${request.url}\n`));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    for (const bridge of bridges.splice(0)) await bridge.close();
    const left = machine.leftovers();
    machine.remove();
    expect(left).toEqual([]);
  });

  async function bridgeWith(internal: boolean) {
    const bridge = await machine.runtime.createNetwork('services', { internal });
    bridges.push(bridge);
    const { services } = bridge;
    if (services === undefined) throw new Error('this bridge offers nothing');
    await new Promise<void>((resolve) => server.listen(0, services.gateway, resolve));
    const { port: localPort } = server.address() as AddressInfo;
    const address = internal ? services.gateway : ADDRESS;
    await services.offer([{ address, port: 80, localPort, names: ['box.internal', '*-of.example'] }]);
    return { bridge, gateway: services.gateway };
  }
  const ask = (host: string, port = 80) =>
    `printf 'GET /x HTTP/1.0\\r\\nHost: ${host}\\r\\n\\r\\n' | nc -w 2 ${host} ${port} | tail -1`;

  it.each([false, true])('are reached by name, and nothing else is (internal: %s)', async (internal) => {
    const { bridge, gateway } = await bridgeWith(internal);
    const network = { kind: 'bridge' as const, bridge };
    const { stdout, stderr } = await machine.run(
      `${ask('box.internal')}; ${ask('any-of.example')}; ${ask(gateway, 22)}; echo over`,
      { network },
    );
    expect({ stdout, stderr }).toMatchObject({ stdout: 'box.internal /x\nany-of.example /x\nover\n' });
    // what a machine in a cloud has at this address stays its own
    const [answered] = await Promise.allSettled([
      fetch(`http://${ADDRESS}/x`, { signal: AbortSignal.timeout(500) }).then((answer) => answer.text()),
    ]);
    expect(answered).not.toMatchObject({ value: expect.stringContaining('/x') });
  });

  it('are not reached from another bridge', async () => {
    const { gateway } = await bridgeWith(false);
    const other = await machine.runtime.createNetwork('other');
    bridges.push(other);
    const { port } = server.address() as AddressInfo;
    const { stdout } = await machine.run(`${ask(ADDRESS)}; ${ask(gateway, port)}; echo over`, {
      network: { kind: 'bridge', bridge: other },
    });
    expect(stdout).toBe('over\n');
  });
});
