import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { Problem } from '../lib/problem.ts';
import type { ContainerExit, ContainerRuntime, ContainerStarter, ProcessIo, StartedContainer } from './container.ts';
import type { ContainerEvent } from './container-event.ts';
import type { ContainerImages } from './container-images.ts';
import type { ContainerRequest } from './container-request.ts';
import type { Containers } from './containers.ts';
import { KeptNetworks } from './networks/kept-networks.ts';
import { openContainers } from './open-containers.ts';
import { KeptVolumes } from './volumes/kept-volumes.ts';

/** A container whose program the test plays. */
interface Played {
  io: ProcessIo;
  signals: string[];
  end(exit: Partial<ContainerExit>): void;
}

let folder: string;
let played: Played[];
let refusal: Problem | undefined;
let events: ContainerEvent[];
let containers: Containers;

/** Runs nothing; ends by SIGKILL and by what the test says. */
const runtime = {
  async start(_spec, io, onEnd) {
    if (refusal !== undefined) throw refusal;
    const signals: string[] = [];
    let end: (exit: ContainerExit) => void = () => undefined;
    const exited = new Promise<ContainerExit>((resolve) => {
      end = resolve;
    });
    const play: Played = { io, signals, end: (exit) => end({ code: 0, outOfMemory: false, ...exit }) };
    onEnd.addEventListener('abort', () => play.end({ code: 137 }));
    played.push(play);
    return {
      pid: 42,
      ports: [],
      exited,
      signal: async (signal: string) => {
        signals.push(signal);
        if (signal === '9') play.end({ code: 137 });
      },
      write: async () => undefined,
      endInput: () => undefined,
      resize: () => undefined,
    } as unknown as StartedContainer;
  },
} as ContainerStarter as ContainerRuntime & ContainerStarter;

const images: ContainerImages = {
  rootfs: async () => ({
    id: `sha256:${'0'.repeat(64)}`,
    lowers: [],
    config: { entrypoint: [], command: ['sh'], env: [], cwd: '', user: '', labels: {}, volumes: [], exposedPorts: [] },
    release: async () => undefined,
  }),
  keep: async () => undefined,
  release: async () => undefined,
};

async function open(): Promise<Containers> {
  const common = { clock: systemClock, onEvent: (event: ContainerEvent) => void events.push(event) };
  return await openContainers({
    folder: join(folder, 'containers'),
    runFolder: join(folder, 'run'),
    runtime,
    images,
    volumes: await KeptVolumes.open({ folder: join(folder, 'volumes'), ...common }),
    networks: await KeptNetworks.open({ folder, runtime, scope: 'test', ...common }),
    ...common,
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-kept-unit-'));
  played = [];
  events = [];
  refusal = undefined;
  containers = await open();
});
afterEach(async () => {
  await containers.close();
  rmSync(folder, { recursive: true });
});

const request = (changes: Partial<ContainerRequest>): ContainerRequest => ({
  image: 'box',
  env: [],
  labels: {},
  terminal: false,
  openStdin: false,
  stdinOnce: false,
  attach: { stdin: false, stdout: true, stderr: true },
  exposedPorts: [],
  autoRemove: false,
  restart: { policy: 'no', retries: 0 },
  mounts: [],
  network: { kind: 'none' },
  ports: [],
  log: { maxBytes: 0, files: 1 },
  limits: {},
  privileged: false,
  capabilities: { add: [], drop: [] },
  devices: [],
  ulimits: [],
  sysctls: {},
  shared: [],
  extraGroups: [],
  extraHosts: [],
  dns: { servers: [], search: [], options: [] },
  noNewPrivileges: false,
  unconfined: false,
  init: false,
  readonlyRootfs: false,
  shown: {},
  ...changes,
});

async function started(changes: Partial<ContainerRequest> = {}): Promise<[id: string, program: Played]> {
  const { id } = await containers.create(request(changes));
  await containers.start(id);
  return [id, played.at(-1) as Played];
}

it('a container that is removed at its end sends all its output, then goes, then is waited for no more', async () => {
  const { id } = await containers.create(request({ autoRemove: true }));
  const order: string[] = [];
  const [socket, far] = duplexPair();
  const client = { socket, stdin: false, stdout: true, stderr: true, replay: false, follow: true };
  const attached = containers.attach(id, client, new AbortController().signal).then(() => order.push('sent'));
  const removed = containers.wait(id, 'removed').then(({ code }) => {
    order.push(`removed ${code}`, existsSync(join(folder, 'containers', id)) ? 'there' : 'gone');
  });
  await containers.start(id);
  const [program] = played;
  program?.io.onStdout(Buffer.from('hello'));
  program?.end({ code: 7 });
  await Promise.all([attached, removed]);
  expect(order).toEqual(['sent', 'removed 7', 'gone']);
  expect(far.read().subarray(8).toString()).toBe('hello');
  expect(() => containers.get(id)).toThrow('No such container');
});

it('a start that fails says why on record; whoever waits goes on waiting for the next', async () => {
  const { id } = await containers.create(request({}));
  let answered = false;
  const waiting = containers.wait(id, 'next-exit').then((end) => {
    answered = true;
    return end;
  });
  refusal = new Problem('invalid', 'unable to start container process: exec: "x": not found', { exitCode: 127 });
  await expect(containers.start(id)).rejects.toThrow('OCI runtime create failed: runc create failed: unable to start');
  expect(containers.get(id).state).toMatchObject({ status: 'created', exitCode: 127 });
  expect(answered).toBe(false);
  refusal = undefined;
  await containers.start(id);
  played[0]?.end({ code: 3 });
  expect(await waiting).toEqual({ code: 3 });
});

it('stop asks, waits and kills; what is asked for meanwhile finds it running', async () => {
  const [id, program] = await started({ stopSignal: 'SIGUSR1' });
  const stopping = containers.stop(id, 0.05);
  expect((await containers.start(id)).alreadyRunning).toBe(true);
  await stopping;
  expect(program.signals).toEqual(['10', '9']);
  expect(containers.get(id).state).toMatchObject({ status: 'exited', exitCode: 137 });
  const actions = events
    .filter((event) => event.id === id)
    .map(({ action, attributes: { signal } }) => `${action} ${signal ?? ''}`);
  expect(actions).toEqual(['create ', 'start ', 'kill 10', 'kill 9', 'die ', 'stop ']);
});

it('an end and a removal at the same moment leave no folder and no complaint', async () => {
  for (let i = 0; i < 20; i++) {
    const [id, program] = await started();
    program.end({ code: 0 });
    if (i % 2 === 0) await Promise.resolve();
    await containers.remove(id, { force: true });
  }
  expect(readdirSync(join(folder, 'containers'))).toEqual([]);
  expect(containers.list()).toEqual([]);
});

it('two who remove at once: one does, the other hears of it', async () => {
  const [id] = await started();
  const [one, other] = await Promise.allSettled([
    containers.remove(id, { force: true }),
    containers.remove(id, { force: true }),
  ]);
  expect(one.status).toBe('fulfilled');
  expect(other).toMatchObject({ reason: { message: `removal of container ${id} is already in progress` } });
});

it('what ran when its process ended has exited with 137, unless it is to run again', async () => {
  const [id] = await started();
  const [always] = await started({ restart: { policy: 'always', retries: 0 } });
  const [stopped] = await started({ restart: { policy: 'unless-stopped', retries: 0 } });
  await containers.stop(stopped, 0);
  await containers.close();
  containers = await open();
  expect(containers.get(id).state).toMatchObject({ status: 'exited', exitCode: 137, pid: 0 });
  expect(containers.get(stopped).state).toMatchObject({ status: 'exited', exitCode: 137 });
  await expect.poll(() => containers.get(always).state.status).toBe('running');
});

it('remembers commands to run in a container up to 16 MiB of text, the newest always', async () => {
  const { id } = await containers.create(request({}));
  await containers.start(id);
  const common = { cwd: undefined, user: undefined, terminal: false, privileged: false, detachKeys: undefined };
  const exec = (args: string[]) =>
    containers.execs.create(id, { ...common, args, env: [], stdin: false, stdout: true, stderr: true });
  const made: string[] = [];
  for (let i = 0; i < 6; i++) made.push(await exec(['x'.repeat(4 << 20), String(i)]));
  expect(() => containers.execs.get(made[0] as string)).toThrow('No such exec instance');
  expect(containers.execs.get(made[3] as string).args[1]).toBe('3');
  const longest = await exec(['x'.repeat(20 << 20)]);
  expect(containers.execs.get(longest).running).toBe(false);
});
