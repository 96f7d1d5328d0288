import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { duplexPair } from 'node:stream';
import type { AttachedClient } from '../../../src/containers/attached-client.ts';
import type { ContainerEvent } from '../../../src/containers/container-event.ts';
import type { ContainerImageConfig, ContainerImages } from '../../../src/containers/container-images.ts';
import type { ContainerRequest } from '../../../src/containers/container-request.ts';
import type { Containers } from '../../../src/containers/containers.ts';
import { KeptNetworks } from '../../../src/containers/networks/kept-networks.ts';
import { type ContainersDeps, openContainers } from '../../../src/containers/open-containers.ts';
import { KeptVolumes } from '../../../src/containers/volumes/kept-volumes.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { Machine } from '../containers/machine.ts';

export const NEVER = new AbortController().signal;

/** Containers of one scope over a machine with a busybox image; may be closed and opened again. */
export class KeptScope {
  readonly machine: Machine;
  readonly folder: string;
  readonly events: ContainerEvent[] = [];
  readonly kept = new Set<string>();
  config: ContainerImageConfig = {
    entrypoint: [],
    command: ['sh'],
    env: ['PATH=/bin'],
    cwd: '/',
    user: '',
    labels: {},
    volumes: [],
    exposedPorts: [],
  };
  leases = 0;
  containers!: Containers;
  volumes!: KeptVolumes;
  networks!: KeptNetworks;

  constructor(machine = new Machine()) {
    this.machine = machine;
    this.folder = join(machine.folder, 'scope');
    const { image } = machine;
    for (const applet of [
      'echo',
      'sleep',
      'printf',
      'head',
      'kill',
      'ps',
      'test',
      'dirname',
      'env',
      'stty',
      'wc',
      'yes',
      'tr',
      'ln',
      'mknod',
      'find',
      'sort',
    ])
      if (!readdirSync(join(image, 'bin')).includes(applet)) symlinkSync('busybox', join(image, 'bin', applet));
    if (existsSync(join(image, 'data'))) return; // of a server that was killed
    mkdirSync(join(image, 'data/sub'), { recursive: true });
    writeFileSync(join(image, 'data/file'), 'hi\n');
    writeFileSync(join(image, 'data/sub/s'), 's\n');
    symlinkSync('data', join(image, 'link'));
    symlinkSync('/data/file', join(image, 'abslink'));
  }

  async open(options: Partial<ContainersDeps> = {}): Promise<this> {
    const { runtime } = this.machine;
    const onEvent = (event: ContainerEvent) => this.events.push(event);
    const common = { clock: systemClock, onEvent };
    this.volumes = await KeptVolumes.open({ folder: join(this.folder, 'volumes'), ...common });
    this.networks = await KeptNetworks.open({
      folder: join(this.folder, 'networks'),
      runtime,
      scope: 'test',
      ...common,
    });
    this.containers = await openContainers({
      folder: join(this.folder, 'containers'),
      runFolder: join(this.machine.folder, 'run'),
      runtime,
      images: this.#images(),
      volumes: this.volumes,
      networks: this.networks,
      ...common,
      ...options,
    });
    return this;
  }

  #images(): ContainerImages {
    return {
      rootfs: async (name) => {
        if (name !== 'box' && name !== `sha256:${'b'.repeat(64)}`) {
          throw new Problem('not-found', `No such image: ${name}:latest`);
        }
        this.leases++;
        let held = true;
        return {
          id: `sha256:${'b'.repeat(64)}`,
          lowers: [this.machine.image],
          config: this.config,
          release: async () => {
            if (held) this.leases--;
            held = false;
          },
        };
      },
      keep: async (container) => void this.kept.add(container),
      release: async (container) => void this.kept.delete(container),
    };
  }

  async close(options?: { drop?: boolean; seconds?: number }): Promise<void> {
    await this.containers.close(options);
    await this.networks.close(options);
  }

  /** What is left of containers and mounts on this machine. */
  leftovers(): string[] {
    return this.machine.leftovers();
  }

  async create(script: string | string[], changes: Partial<ContainerRequest> = {}): Promise<string> {
    const command = typeof script === 'string' ? ['sh', '-c', script] : script;
    return (await this.containers.create(requestOf(command, changes))).id;
  }

  /** As `docker run`: attached before it is started. */
  async run(script: string | string[], changes: Partial<ContainerRequest> = {}): Promise<Ran> {
    const id = await this.create(script, changes);
    const client = new Client();
    const attached = client.attach(this.containers, id);
    const waiting = this.containers.wait(id, changes.autoRemove === true ? 'removed' : 'next-exit');
    await this.containers.start(id);
    const { code } = await waiting;
    await attached;
    return { id, code, stdout: client.stdout(), stderr: client.stderr() };
  }

  async logs(id: string, options: Partial<Parameters<Containers['logs']>[1]> = {}): Promise<string> {
    const parts: Buffer[] = [];
    const all = { stdout: true, stderr: true, follow: false, timestamps: false, ...options };
    for await (const part of this.containers.logs(id, all, NEVER)) parts.push(part);
    return unframed(Buffer.concat(parts)).all;
  }

  actions(id: string): string[] {
    return this.events
      .filter((event) => event.id === id || event.attributes['container'] === id)
      .map((event) => `${event.type} ${event.action}`);
  }
}

export interface Ran {
  id: string;
  code: number;
  stdout: string;
  stderr: string;
}

export function requestOf(command: string[], changes: Partial<ContainerRequest> = {}): ContainerRequest {
  return {
    image: 'box',
    command,
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
  };
}

/** The other end of a hijacked connection. */
export class Client {
  readonly socket: Duplex;
  readonly far: Duplex;
  readonly received: Buffer[] = [];
  readonly #framed: boolean;

  constructor(options: { framed?: boolean; reads?: boolean } = {}) {
    this.#framed = options.framed ?? true;
    [this.socket, this.far] = duplexPair();
    if (options.reads !== false) this.far.on('data', (chunk: Buffer) => this.received.push(chunk));
    this.far.on('error', () => undefined);
    this.socket.on('error', () => undefined);
  }

  asked(changes: Partial<AttachedClient> = {}): AttachedClient {
    return { socket: this.socket, stdin: false, stdout: true, stderr: true, replay: false, follow: true, ...changes };
  }

  attach(containers: Containers, id: string, changes: Partial<AttachedClient> = {}): Promise<void> {
    return containers.attach(id, this.asked(changes), NEVER);
  }

  stdout(): string {
    const bytes = Buffer.concat(this.received);
    return this.#framed ? unframed(bytes).stdout : bytes.toString();
  }

  stderr(): string {
    return unframed(Buffer.concat(this.received)).stderr;
  }
}

export function unframed(bytes: Buffer): { stdout: string; stderr: string; all: string } {
  const streams: Record<number, Buffer[]> = { 1: [], 2: [] };
  const all: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    const payload = bytes.subarray(at + 8, at + 8 + length);
    streams[bytes[at] ?? 0]?.push(payload);
    all.push(payload);
    at += 8 + length;
  }
  const text = (parts: Buffer[] = []) => Buffer.concat(parts).toString();
  return { stdout: text(streams[1]), stderr: text(streams[2]), all: text(all) };
}
