import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContainerRuntime } from '../container.ts';
import { KeptNetworks } from './kept-networks.ts';

let folder = '';
const runtime = {
  createNetwork: async () => ({ name: 'br', subnet: '10.0.0.0/24', close: async () => undefined }),
} as unknown as ContainerRuntime;

const open = (name: string, checkHost?: () => void) =>
  KeptNetworks.open({
    ...{ folder: join(folder, name), runtime, scope: name, clock: systemClock, onEvent: () => undefined },
    ...(checkHost === undefined ? {} : { checkHost }),
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-networks-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('keeps the machine’s network from a scope that may not have it, whichever way it is named', async () => {
  const networks = await open('team', () => {
    throw new Problem('denied', 'no');
  });
  const { id } = networks.get('host');
  for (const name of ['host', id, id.slice(0, 12)]) {
    expect(() => networks.enter(name, 'c', [])).toThrow('no');
    await expect(networks.join(name)).rejects.toThrow('no');
  }
  // a name that was somebody's network when a container was made with it, and is the beginning of that id afterwards
  await networks.create(id.slice(0, 8), { labels: {}, internal: false });
  expect(networks.enter(id.slice(0, 8), 'c', []).kind).toBe('bridge');
  networks.leave(id.slice(0, 8), 'c');
  await networks.remove(id.slice(0, 8));
  expect(() => networks.enter(id.slice(0, 8), 'c', [])).toThrow('no');
  await networks.close();
});

it('gives it to a scope that may', async () => {
  const networks = await open('owner');
  expect(networks.enter(networks.get('host').id, 'c', [])).toEqual({ kind: 'host' });
  await networks.close();
});
