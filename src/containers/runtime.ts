import { join } from 'node:path';
import { messageOf, Problem } from '../lib/problem.ts';
import type {
  BridgeNetwork,
  ContainerExit,
  ContainerIo,
  ContainerRuntime,
  ContainerSpec,
  ContainerStarter,
  Limits,
  NetworkOptions,
  ProcessIo,
  StartedContainer,
  SweepReport,
} from './container.ts';
import { missingForContainers, probeMachine } from './probe.ts';
import { type Assembly, assemble } from './sandbox/assembly.ts';
import { createBridge } from './sandbox/bridge.ts';
import { oomKills } from './sandbox/cgroup.ts';
import { type ContainerGroup, makeContainerGroup } from './sandbox/container-group.ts';
import { guard } from './sandbox/guardian.ts';
import { findProcess } from './sandbox/host-pid.ts';
import type { JoinedNetwork } from './sandbox/network.ts';
import { refusal } from './sandbox/refusal.ts';
import { runCommand } from './sandbox/run-command.ts';
import { RuncProcess } from './sandbox/runc-process.ts';
import { RunningContainer } from './sandbox/running-container.ts';
import { DEFAULT_SUBNETS } from './sandbox/subnets.ts';
import { sweep } from './sandbox/sweep.ts';
import { Teardown } from './sandbox/teardown.ts';

export interface RuntimeOptions {
  /** The data folder; containers live in `run` below it, and uppers have to be on its file system. */
  dataFolder: string;
  /** Names what we make outside of it (cgroups, bridges), so that two data folders on one machine never sweep each other's. */
  tag: string;
  /** Where the folders of running containers are; `<dataFolder>/run` when absent. */
  runFolder?: string;
  /** Whether `host` is a network that callers may ask for. */
  allowHostNetwork: boolean;
  /** Whether they may ask for containers with `security: 'insecure'`; absent: they may not. */
  allowInsecure?: boolean;
  /** Processes and threads of a container that names no limit of its own, where the kernel counts them; absent: any number. */
  maxProcesses?: number;
  /** Private ranges in CIDR form that bridges take their /24 from. */
  subnets?: string[];
}

/**
 * Containers by runc. What a start costs (`true`, two busy cores, medians): 55 ms, of which runc takes 40 (8 of them for
 * compiling the seccomp filter, see seccomp.ts), the init layer 4, overlay and user 2, the end 6; on a bridge 3 ms more, since
 * its links are made without a program, and on a terminal as much. `unshare` and chroot alone would take 5 ms: so nothing is run
 * that is only metadata.
 */
export function createRuntime(options: RuntimeOptions): ContainerRuntime & ContainerStarter {
  return new RuncRuntime(options);
}

interface Begun {
  box: Assembly;
  runc: RuncProcess;
  exited: Promise<ContainerExit>;
  teardown: Teardown;
}

class RuncRuntime implements ContainerRuntime, ContainerStarter {
  readonly #options: RuntimeOptions;
  readonly #runFolder: string;
  /** Those that were started, until they are taken down. */
  readonly #running = new Map<string, { pid: number; network: JoinedNetwork }>();
  #checked: Promise<void> | undefined;
  #group: (() => Promise<ContainerGroup | undefined>) | undefined;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#runFolder = options.runFolder ?? join(options.dataFolder, 'run');
  }

  async run(spec: ContainerSpec, io: ContainerIo): Promise<ContainerExit> {
    const { onStdout, onStderr, signal } = io;
    const streams: ProcessIo = {
      onStdout: (chunk) => void onStdout(chunk),
      onStderr: (chunk) => void onStderr(chunk),
      stdin: false,
    };
    const begun = await this.#begin(spec, streams, signal);
    return await begun.exited;
  }

  async start(spec: ContainerSpec, io: ProcessIo, onEnd: AbortSignal): Promise<StartedContainer> {
    const { box, runc, exited, teardown } = await this.#begin(spec, io, onEnd);
    const number = await runc.started.catch(() => undefined);
    if (number === undefined) await exited; // which says why
    const { hierarchies, group, sharesProcesses } = box;
    const process = number === undefined ? undefined : await findProcess(hierarchies, group, number, !sharesProcesses);
    const container = new RunningContainer(box, runc, process, exited);
    teardown.add('processes that came by exec', () => container.letGo());
    if (process !== undefined) {
      this.#running.set(spec.id, { pid: process.pid, network: box.network });
      teardown.add('name', async () => void this.#running.delete(spec.id));
    }
    return container;
  }

  /** Up to where runc is at work; all that is made before an error is taken down before it is thrown. */
  async #begin(spec: ContainerSpec, io: ProcessIo, signal: AbortSignal): Promise<Begun> {
    this.#check(spec);
    await this.#ready();
    const cancelled = () => new Problem('cancelled', `container ${spec.id}: cancelled`);
    if (signal.aborted) throw cancelled();
    const teardown = new Teardown();
    try {
      const { tag, maxProcesses } = this.#options;
      const group = (await this.#group?.())?.path ?? '';
      const options = { runFolder: this.#runFolder, tag, maxProcesses, neighbours: this.#running, group };
      const box = await assemble(spec, io.terminal, options, teardown);
      if (signal.aborted) throw cancelled();
      const runc = new RuncProcess(runCommand(box), io);
      const exited = this.#follow(box, runc, signal, teardown);
      exited.catch(() => undefined); // whoever waits for it hears of it
      return { box, runc, exited, teardown };
    } catch (error) {
      await teardown.run();
      throw error;
    }
  }

  /** To the end, by itself or by `signal`, and until all is taken down. */
  async #follow(box: Assembly, runc: RuncProcess, signal: AbortSignal, teardown: Teardown): Promise<ContainerExit> {
    const kill = () => runc.kill();
    signal.addEventListener('abort', kill, { once: true });
    const letGo = box.sharesProcesses ? guard(box.hierarchies, box.group, runc.started) : undefined;
    try {
      const end = await runc.ended;
      if (signal.aborted) throw new Problem('cancelled', `container ${box.spec.id}: cancelled`);
      if (end.kind === 'refused') throw refusal(end.message);
      return { code: end.code, outOfMemory: (await oomKills(box.hierarchies, box.group)) > 0 };
    } finally {
      signal.removeEventListener('abort', kill);
      await teardown.run();
      await letGo?.();
    }
  }

  confine(owner: string, limits: Limits): () => Promise<void> {
    if (this.#group !== undefined) throw new Error('containers of this runtime belong to a build already');
    const { tag, maxProcesses } = this.#options;
    let made: Promise<ContainerGroup | undefined> | undefined;
    this.#group = () => {
      made ??= makeContainerGroup(tag, owner, maxProcesses === undefined ? limits : { pids: maxProcesses, ...limits });
      return made;
    };
    return async () => {
      this.#group = undefined;
      await (await made?.catch(() => undefined))?.close();
    };
  }

  async createNetwork(owner: string, options: NetworkOptions = {}): Promise<BridgeNetwork> {
    return await createBridge({
      runFolder: this.#runFolder,
      tag: this.#options.tag,
      subnets: this.#options.subnets ?? DEFAULT_SUBNETS,
      owner,
      internal: options.internal ?? false,
    });
  }

  async sweep(): Promise<SweepReport> {
    const { dataFolder, tag } = this.#options;
    return await sweep({ dataFolder, runFolder: this.#runFolder, tag });
  }

  async probe(): Promise<string[]> {
    return await probeMachine(this.#runFolder);
  }

  #check(spec: ContainerSpec): void {
    if (!/^[a-z0-9-]{1,40}$/.test(spec.id)) throw new Problem('invalid', `container id ${JSON.stringify(spec.id)}`);
    if (!spec.cwd.startsWith('/')) throw new Problem('invalid', `the working folder ${spec.cwd} is not absolute`);
    if (spec.args.length === 0) throw new Problem('invalid', 'no command specified');
    if (spec.security === 'insecure' && this.#options.allowInsecure !== true) {
      throw new Problem('denied', 'security=insecure is not allowed on this server', {
        hint: 'Its owner can allow it with builds.allowInsecure in slipway.yaml.',
      });
    }
    if (spec.network.kind === 'host' && !this.#options.allowHostNetwork) {
      throw new Problem('denied', 'network=host is not allowed on this server', {
        hint: 'Its owner can allow it in slipway.yaml, or leave the network away: a build gets one of its own.',
      });
    }
  }

  /** Looks for the programs once, before the first container; a failure is looked at again the next time. */
  async #ready(): Promise<void> {
    this.#checked ??= missingForContainers().then((missing) => {
      if (missing.length > 0) throw new Problem('unsupported', `containers can't run here: ${missing.join(' ')}`);
    });
    try {
      await this.#checked;
    } catch (error) {
      this.#checked = undefined;
      throw error instanceof Problem ? error : new Problem('unsupported', messageOf(error), { cause: error });
    }
  }
}
