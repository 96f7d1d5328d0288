import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type {
  ContainerExit,
  ContainerRuntime,
  ContainerSpec,
  ContainerStarter,
  ExecSpec,
  ProcessIo,
  StartedContainer,
  StartedProcess,
} from '../../../src/containers/container.ts';
import { createRuntime, type RuntimeOptions } from '../../../src/containers/runtime.ts';

const BUSYBOX = '/bin/busybox';
const APPLETS =
  'sh true cat ls id env grep ip nc sleep touch rm mv mkdir mknod stat chmod seq nslookup setsid hostname dd unshare pwd tail ping stty tty ps wc kill head mount'.split(
    ' ',
  );

/** Why containers can't be tested here; undefined when they can. */
export function whyNoContainers(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync(BUSYBOX)) return 'needs busybox-static';
  for (const program of ['runc', 'ip', 'nft', 'setpriv']) {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`]);
    } catch {
      return `needs ${program}`;
    }
  }
  return undefined;
}

export interface Finished extends ContainerExit {
  stdout: string;
  stderr: string;
  /** Paths that the container changed, sorted. */
  changed: string[];
  upper: string;
}

/** A data folder with an image of busybox, and a runtime on it. */
export class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), 'slipway-containers-'));
  readonly tag = `test${process.pid}${Math.random().toString(36).slice(2, 6)}`;
  readonly image = join(this.folder, 'image');
  readonly runtime: ContainerRuntime & ContainerStarter;
  #count = 0;

  constructor(options: Partial<RuntimeOptions> = {}) {
    makeImage(this.image);
    this.runtime = createRuntime({ dataFolder: this.folder, tag: this.tag, allowHostNetwork: false, ...options });
  }

  spec(script: string, changes: Partial<ContainerSpec> = {}): ContainerSpec {
    const id = `c${this.#count++}`;
    const upper = join(this.folder, `${id}-upper`);
    mkdirSync(upper);
    return {
      id,
      rootfs: { lowers: [this.image], upper },
      args: ['sh', '-c', script],
      env: [],
      cwd: '/',
      user: '',
      hostname: 'box',
      mounts: [],
      network: { kind: 'none' },
      ...changes,
    };
  }

  async run(
    script: string,
    changes: Partial<ContainerSpec> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Finished> {
    const spec = this.spec(script, changes);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const exit = await this.runtime.run(spec, {
      onStdout: (chunk) => stdout.push(chunk),
      onStderr: (chunk) => stderr.push(chunk),
      signal,
    });
    return {
      ...exit,
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
      changed: pathsBelow(spec.rootfs.upper),
      upper: spec.rootfs.upper,
    };
  }

  /** A container that goes on until it ends itself, or `end` is aborted. */
  async start(
    script: string,
    changes: Partial<ContainerSpec> = {},
    io: Partial<ProcessIo> = {},
    end: AbortSignal = new AbortController().signal,
  ): Promise<Heard<StartedContainer>> {
    return await listening(io, (whole) => this.runtime.start(this.spec(script, changes), whole, end));
  }

  /** What is left of this data folder on the machine: mounts, links, rule tables, cgroups, folders of containers. */
  leftovers(): string[] {
    const left = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(this.folder));
    for (const link of readdirSync('/sys/class/net').filter((name) => /^slw\d+$/.test(name))) {
      const alias = readFileSync(`/sys/class/net/${link}/ifalias`, 'utf8').trim();
      if (alias.includes(this.tag)) left.push(`${link}: ${alias}`);
    }
    for (const root of readdirSync('/sys/fs/cgroup', { withFileTypes: true })) {
      const below = root.isDirectory() ? readdirSync(join('/sys/fs/cgroup', root.name)) : [];
      left.push(...[root.name, ...below].filter((name) => name.includes(`slipway-${this.tag}`)));
    }
    const run = join(this.folder, 'run');
    if (existsSync(run)) left.push(...readdirSync(run));
    left.push(...readdirSync(this.folder).filter((name) => name.endsWith('.work')));
    return left;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** A started process, and what was heard of it so far. */
export type Heard<T extends StartedProcess> = { it: T; stdout: () => string; stderr: () => string };

export async function exec(
  container: StartedContainer,
  args: string[],
  changes: Partial<ExecSpec> = {},
  io: Partial<ProcessIo> = {},
): Promise<Heard<StartedProcess>> {
  const spec = { args, env: [], cwd: '/', user: '', ...changes };
  return await listening(io, (whole) => container.exec(spec, whole));
}

async function listening<T extends StartedProcess>(
  io: Partial<ProcessIo>,
  start: (io: ProcessIo) => Promise<T>,
): Promise<Heard<T>> {
  const heard = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const keep = (stream: Buffer[]) => (chunk: Buffer) => void stream.push(chunk);
  const whole = { onStdout: keep(heard.stdout), onStderr: keep(heard.stderr), stdin: false, ...io };
  const it = await start(whole);
  const text = (stream: Buffer[]) => () => Buffer.concat(stream).toString();
  return { it, stdout: text(heard.stdout), stderr: text(heard.stderr) };
}

export function makeImage(image: string): void {
  mkdirSync(join(image, 'bin'), { recursive: true });
  mkdirSync(join(image, 'etc'));
  copyFileSync(BUSYBOX, join(image, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(image, 'bin', applet));
  writeFileSync(join(image, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\n');
  writeFileSync(join(image, 'etc/group'), 'root:x:0:\napp:x:1001:\nextra:x:2000:other,app\nstaff:x:50:\n');
}

export function pathsBelow(folder: string): string[] {
  return (readdirSync(folder, { withFileTypes: true, recursive: true }) as { path: string; name: string }[])
    .map((entry) => relative(folder, join(entry.path, entry.name)))
    .sort();
}
