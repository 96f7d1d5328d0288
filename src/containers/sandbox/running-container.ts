import { closeSync, constants, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { O_PATH } from '../../kernel/openat2.ts';
import { selfFd } from '../../kernel/rooted.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { runOk } from '../../lib/run.ts';
import type {
  ContainerExit,
  ContainerUsage,
  ExecSpec,
  Limits,
  ProcessIo,
  PublishedPort,
  StartedContainer,
  StartedProcess,
} from '../container.ts';
import type { Assembly } from './assembly.ts';
import { processesIn } from './cgroup.ts';
import { freeze } from './freezer.ts';
import { findProcess, type HostProcess } from './host-pid.ts';
import { ownCapabilities } from './insecure.ts';
import { resourcesFor } from './limits.ts';
import { configText, mergeEnv, processConfig, withDefaults } from './process-config.ts';
import { refusal } from './refusal.ts';
import { execCommand, updateCommand } from './run-command.ts';
import { RuncProcess } from './runc-process.ts';
import { RunningProcess } from './running-process.ts';
import { macOf } from './subnets.ts';
import { usageOf } from './usage.ts';
import { lookUpUser } from './user.ts';

/** So long after a container's end whoever holds back the output of its later processes may still take it. Milliseconds. */
const LAST_OUTPUT_TIME = 2000;

/** What a container that runs can be asked for; nothing but `exited` after its end. */
export class RunningContainer extends RunningProcess implements StartedContainer {
  readonly #box: Assembly;
  readonly #root: number | undefined;
  /** Those that are under way; the container's end waits for theirs. */
  readonly #execs = new Map<RuncProcess, Promise<unknown>>();
  #execCount = 0;

  constructor(box: Assembly, runc: RuncProcess, process: HostProcess | undefined, exited: Promise<ContainerExit>) {
    super(runc, process, exited);
    this.#box = box;
    this.#root = process === undefined ? undefined : openRoot(process.pid);
  }

  get address(): string | undefined {
    return this.#box.network.address;
  }

  get mac(): string | undefined {
    return this.address === undefined ? undefined : macOf(this.address);
  }

  get ports(): readonly PublishedPort[] {
    return this.#box.ports;
  }

  get rootfs(): string {
    if (this.#root === undefined) throw this.#notRunning();
    this.#mustRun();
    return selfFd(this.#root);
  }

  async exec(spec: ExecSpec, io: ProcessIo): Promise<StartedProcess> {
    const user = await lookUpUser(this.rootfs, spec.user, this.#box.spec.extraGroups);
    const { process } = this.#box;
    const config = processConfig({
      args: spec.args,
      env: withDefaults(mergeEnv(this.#box.spec.env, spec.env), user.home, io.terminal !== undefined),
      cwd: spec.cwd,
      user,
      capabilities: spec.security === 'insecure' ? ownCapabilities() : process.capabilities,
      noNewPrivileges: process.noNewPrivileges,
      rlimits: process.rlimits,
      terminal: io.terminal,
    });
    const name = `exec-${++this.#execCount}`;
    const file = join(this.#box.bundle, `${name}.json`);
    await writeFile(file, configText(config), { mode: 0o600 });
    const terminal = io.terminal !== undefined;
    const command = execCommand(this.#box, { pid: this.#lifeLinePid(), name, file, terminal });
    const runc = new RuncProcess(command, io);
    const ended = this.#endOf(runc);
    this.#execs.set(runc, ended);
    void ended.catch(() => undefined).then(() => this.#execs.delete(runc));
    const number = await runc.started;
    if (number === undefined) {
      await ended;
      throw this.#notRunning();
    }
    const { hierarchies, group, sharesProcesses } = this.#box;
    return new RunningProcess(runc, await findProcess(hierarchies, group, number, !sharesProcesses), ended);
  }

  async #endOf(runc: RuncProcess): Promise<ContainerExit> {
    const end = await runc.ended;
    if (end.kind === 'refused') throw refusal(end.message);
    return { code: end.code, outOfMemory: false };
  }

  async processes(): Promise<number[]> {
    return await processesIn(this.#box.hierarchies, this.#box.group);
  }

  async usage(): Promise<ContainerUsage> {
    return await usageOf(this.#box.hierarchies, this.#box.group, this.runc.hasExited ? 0 : this.pid);
  }

  async pause(): Promise<void> {
    this.#mustRun();
    await freeze(this.#box.hierarchies, this.#box.group, true);
  }

  async unpause(): Promise<void> {
    this.#mustRun();
    await freeze(this.#box.hierarchies, this.#box.group, false);
  }

  async update(limits: Limits): Promise<void> {
    const file = join(this.#box.folder, 'update.json');
    await writeFile(file, JSON.stringify(resourcesFor(limits, this.#box.hierarchies)));
    const [program = '', ...args] = updateCommand(this.#box, this.#lifeLinePid(), file);
    await runOk(program, args);
  }

  /** Before its parts are taken down: whatever holds them. */
  async letGo(): Promise<void> {
    if (this.#root !== undefined) closeSync(this.#root);
    const ended = Promise.allSettled(this.#execs.values());
    const late = setTimeout(() => {
      for (const exec of this.#execs.keys()) exec.kill();
    }, LAST_OUTPUT_TIME);
    await ended;
    clearTimeout(late);
  }

  #lifeLinePid(): number {
    this.#mustRun();
    return this.runc.pid ?? 0;
  }

  #mustRun(): void {
    if (this.runc.hasExited) throw this.#notRunning();
  }

  #notRunning(): Problem {
    return new Problem('conflict', `container ${this.#box.spec.id} is not running`);
  }
}

/** Its root with all that is mounted in it; undefined when the process has ended meanwhile. */
function openRoot(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/root`, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return undefined;
    throw error;
  }
}
