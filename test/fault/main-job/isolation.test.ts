import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';

const why = await missingForBuilds();

/** What a RUN and a step reach of the machine that they run on: nothing. */
describe.skipIf(why !== '')(`the machine, seen from a build${why}`, () => {
  let server: TestServer;
  let other: Server;
  let ports: number[];
  beforeAll(async () => {
    // on every address, so that it is the rules of the build's network that keep the build away
    server = await TestServer.start({ config: await mirrorConfig(), listen: '0.0.0.0:0' });
    other = createServer((socket) => socket.on('error', () => undefined).end('a service of the machine\n'));
    await new Promise<void>((resolve) => other.listen(0, '0.0.0.0', resolve));
    const address = other.address();
    ports = [Number(new URL(server.url).port), typeof address === 'object' ? (address?.port ?? 0) : 0];
  });
  afterAll(async () => {
    other?.close();
    await server?.close();
  });

  it("answers neither on the server's port nor on another, by none of its addresses", async () => {
    const own = Object.values(networkInterfaces())
      .flatMap((found) => found ?? [])
      .filter(({ family, address }) => family === 'IPv4' && address !== '127.0.0.1')
      .map(({ address }) => address);
    for (const port of ports) await expect(reached('127.0.0.1', port)).resolves.toBe(true);
    // $GATEWAY is the machine's own address on the build's bridge; at 169.254.169.254 a cloud keeps its secrets, and here
    // the build's own metadata server answers, on port 80 and 443 alone
    const places = [
      ...['$GATEWAY', '127.0.0.1', ...own].flatMap((address) => [...ports, 80].map((port) => `${address} ${port}`)),
      ...[...ports, 22].map((port) => `169.254.169.254 ${port}`),
    ];
    const probe = [
      'GATEWAY=$(ip route | sed -n "s/default via \\([0-9.]*\\).*/\\1/p")',
      'echo "the gateway is <$GATEWAY>"',
      ...places.map((place) => `(nc -w 2 ${place} </dev/null >/dev/null 2>&1 && echo "REACHED ${place}") &`),
      'wait; echo "tried all"',
    ].join('\n');
    const folder = await server.source('probe', {
      probe,
      Dockerfile: 'FROM busybox\nCOPY probe /probe\nRUN sh /probe\n',
      'cloudbuild.yaml': `
steps:
- { id: run, name: gcr.io/cloud-builders/docker, args: [build, --network=cloudbuild, '--tag=probe', .] }
- { id: step, name: busybox, args: [sh, /workspace/probe] }
`,
    });
    const { build, log } = await server.submit(folder, '--config', join(folder, 'cloudbuild.yaml'));
    expect(build.status, log).toBe('SUCCESS');
    expect([...log.matchAll(/the gateway is <\d+\.\d+\.\d+\.\d+>/g)]).toHaveLength(2);
    expect([...log.matchAll(/\d tried all|: tried all/g)]).toHaveLength(2);
    expect(log).not.toContain('REACHED');
  });
});

function reached(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
