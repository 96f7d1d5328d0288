import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { ContainerRecord } from '../../../src/containers/container-record.ts';
import type { Containers } from '../../../src/containers/containers.ts';
import { LentFolders } from '../../../src/containers/lent/lent-folders.ts';
import type { Networks } from '../../../src/containers/networks.ts';
import type { Volumes } from '../../../src/containers/volumes.ts';
import type { DockerHouse } from '../../../src/doors/docker/call.ts';
import { DOCKER_SERVER, serveDockerDoor } from '../../../src/doors/docker/door.ts';
import { EventHub } from '../../../src/doors/docker/events.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { runOk } from '../../../src/lib/run.ts';
import { isOwnHost } from '../../../src/stores/registry/name.ts';
import { openTestEngine, type TestEngine, type TestEngineOptions } from '../image-build/test-engine.ts';

/** A container as far as images are concerned: which it stands on, and what it changed. */
export interface FakeContainer extends Pick<ContainerRecord, 'id' | 'imageId'> {
  status: ContainerRecord['state']['status'];
  upper: string;
  command?: string[];
}

export interface ImagesDoor extends TestEngine {
  socket: string;
  events: EventHub;
  containers: FakeContainer[];
  /** One request; the answer's JSON, or its text where it is none. */
  ask(
    method: string,
    path: string,
    body?: Uint8Array<ArrayBuffer> | string,
    headers?: Record<string, string>,
  ): Promise<Answered>;
  /** The lines of an answer that is a stream. */
  lines(method: string, path: string, headers?: Record<string, string>): Promise<Record<string, unknown>[]>;
}

export interface Answered {
  status: number;
  body: unknown;
}

/** The docker door over an engine of its own, with containers that only say what they stand on. */
export async function openImagesDoor(options?: TestEngineOptions): Promise<ImagesDoor> {
  const test = await openTestEngine(options);
  const containers: FakeContainer[] = [];
  const events = new EventHub();
  const folder = join(test.folder, 'docker');
  await mkdir(folder);
  const house: DockerHouse = {
    client: { kind: 'owner', scope: 'owner', project: 'test', actor: 'tester' },
    engine: test.engine,
    containers: onlyImages(containers),
    volumes: {} as Volumes,
    networks: {} as Networks,
    lent: new LentFolders(new Map(), folder),
    events,
    folder,
    keptFolder: folder,
    cachedLayers: () => test.deps.cache.layers('test'),
    forgetBuilds: (unusedSince) => test.deps.cache.forget('test', unusedSince),
    openBuildNetwork: async () => ({ network: { kind: 'none' }, close: async () => undefined }),
    searchRegistry: async () => [],
    isOwnRegistry: (host) => isOwnHost(host, test.deps.own),
    verifyLogin: async () => undefined,
    clock: test.deps.clock,
    version: 'test',
  };
  const socket = join(test.folder, 'docker.sock');
  const server = createServer({ ...DOCKER_SERVER, allowHalfOpen: true } as object);
  serveDockerDoor(server, () => house);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const port = createServer();
  serveDockerDoor(port, () => house);
  await new Promise<void>((resolve) => port.listen(0, '127.0.0.1', resolve));
  const address = port.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const send = async (
    method: string,
    path: string,
    body?: Uint8Array<ArrayBuffer> | string,
    headers: Record<string, string> = {},
  ) => await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  return {
    ...test,
    socket,
    events,
    containers,
    async ask(method, path, body, headers) {
      const answer = await send(method, path, body, headers);
      const text = await answer.text();
      const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
      return { status: answer.status, body: isJson && text !== '' && !text.includes('\r\n') ? JSON.parse(text) : text };
    },
    async lines(method, path, headers) {
      const text = await (await send(method, path, undefined, headers)).text();
      const lines = text.split('\r\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    async close() {
      for (const each of [server, port]) {
        const closed = new Promise((resolve) => each.close(resolve));
        each.closeAllConnections();
        await closed;
      }
      await test.close();
    },
  };
}

function onlyImages(containers: readonly FakeContainer[]): Containers {
  const find = (name: string): FakeContainer => {
    const found = containers.find(({ id }) => id === name || id.startsWith(name));
    if (found === undefined) throw new Problem('not-found', `No such container: ${name}`);
    return found;
  };
  const known: Partial<Containers> = {
    list: () => containers.map(recordOf),
    get: (name) => recordOf(find(name)),
    withFiles: (name, _pause, work) => work({ upper: find(name).upper, lowers: [] }),
  };
  return known as Containers;
}

function recordOf({ id, imageId, status, command }: FakeContainer): ContainerRecord {
  const request = { image: 'base:1', env: [], labels: {}, exposedPorts: [], mounts: [], command };
  return { id, imageId, request, state: { status } } as unknown as ContainerRecord;
}

/** `docker` of one version against a door, and its output. */
export function dockerAt(socket: string, client: string): (...args: string[]) => Promise<string> {
  return async (...args) => {
    const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_BUILDKIT: '0' };
    return (await runOk(client, args, { env })).stdout.trimEnd();
  };
}
