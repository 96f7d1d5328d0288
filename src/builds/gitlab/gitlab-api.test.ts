import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { Transport } from '../../images/remote/transport.ts';
import { GitLabApi } from './gitlab-api.ts';

const servers: Server[] = [];
const transport = new Transport({});

afterEach(async () => {
  transport.close();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it.each([301, 302, 303, 307, 308])(
  'neither token nor secret of a hook follows a %i to another host',
  async (status) => {
    const seen: string[] = [];
    const other = await listen((request, response) => {
      seen.push(request.url ?? '');
      response.end('{}');
    });
    const gitlab = await listen((request, response) => {
      request.resume();
      if (request.method === 'GET') response.end('[]');
      else response.writeHead(status, { location: `${other}${request.url}` }).end();
    });
    const api = new GitLabApi(transport, gitlab, 'glpat-1');
    await expect(api.hook(1, 'https://slipway.example/hook', 'whsec_1')).rejects.toThrow(`answers ${status}`);
    expect(seen).toEqual([]);
  },
);
