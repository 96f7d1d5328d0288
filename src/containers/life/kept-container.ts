import { log as serverLog } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { ContainerExit, Limits, StartedContainer, TerminalSize } from '../container.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { WaitCondition } from '../containers.ts';
import { ContainerRoot } from '../files/container-root.ts';
import type { ContainerFolder, KeptState } from '../kept/container-folder.ts';
import { RecordKeeper } from '../kept/record-keeper.ts';
import { ContainerLog } from '../logs/container-log.ts';
import { signalNumber } from '../sandbox/signals.ts';
import { endsByItself } from './ends-by-itself.ts';
import { endsWithin } from './ends-within.ts';
import { erase, refusedRemoval } from './erase.ts';
import { exitOf } from './exit-of.ts';
import { later } from './later.ts';
import { type Launched, launch } from './launch.ts';
import { startsAgain } from './restart-policy.ts';
import { RestartTimer } from './restart-timer.ts';
import { Run, type RunEnd } from './run.ts';
import { stopSignalOf } from './stop-signal.ts';
import type { Surroundings } from './surroundings.ts';

const STOP_SECONDS = 10;

/**
 * One container and its states:
 *
 *     created -> running <-> paused -> exited -> running ...
 *                running -> restarting -> running (its policy says so)
 *                any of them -> removing -> gone
 *
 * Starts and removals take turns; whatever ends a run (`stop`, `kill`, the end of the program) does not, since a stop may
 * last for minutes and must not keep a kill waiting. A state is on the disk before anybody is told of it.
 */
export class KeptContainer {
  readonly #around: Surroundings;
  readonly #kept: RecordKeeper;
  readonly folder: ContainerFolder;
  /** Its files; whoever looks at them while it doesn't run keeps it from starting. */
  readonly files: ContainerRoot;
  readonly #turns = new Semaphore(1);
  readonly #again = new RestartTimer();
  readonly #gone = new AbortController();
  readonly #removal = later<RunEnd>();
  #log: Promise<ContainerLog> | undefined;
  #run = new Run();
  #launched: Launched | undefined;
  /** All that follows from the last end of it; never fails. */
  #ending: Promise<void> = Promise.resolve();
  /** A person's restart is neither an end nor a reason for the policy. */
  #restarting = false;
  #removing = false;
  #closing = false;
  #size: TerminalSize = { rows: 24, columns: 80 };

  constructor(around: Surroundings, folder: ContainerFolder, state: KeptState, isNew: boolean) {
    this.#around = around;
    this.folder = folder;
    this.#kept = new RecordKeeper(folder, state, around.onEvent);
    const { record } = state;
    this.files = new ContainerRoot(
      around.runFolder,
      folder.upper,
      record,
      () => this.image(),
      () => this.started,
    );
    if (isNew) this.#log = Promise.resolve(ContainerLog.create(folder.log, record.request.log, around.clock));
  }

  get record(): ContainerRecord {
    return this.#kept.record;
  }

  get id(): string {
    return this.record.id;
  }

  /** Aborted when it is removed, or the scope is closed. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** The run that goes on, or the next one. */
  get run(): Run {
    return this.#run;
  }

  /** Its process, while it runs. */
  get started(): StartedContainer | undefined {
    return this.#launched?.hasEnded === false ? this.#launched.process : undefined;
  }

  log(): Promise<ContainerLog> {
    this.#log ??= ContainerLog.open(this.folder.log, this.record.request.log, this.#around.clock);
    return this.#log;
  }

  image(): Promise<{ lowers: string[]; release(): Promise<void> }> {
    return this.#around.images.rootfs(this.record.imageId, this.#gone.signal);
  }

  /** @throws Problem `conflict` in docker's words */
  mustRun(): StartedContainer {
    if (this.started === undefined) throw new Problem('conflict', `Container ${this.id} is not running`);
    return this.started;
  }

  tell(action: string, attributes?: Record<string, string>): void {
    this.#kept.tell(action, attributes);
  }

  async rename(name: string): Promise<void> {
    const oldName = `/${this.record.name}`;
    await this.#kept.save({ name });
    this.tell('rename', { oldName });
  }

  reopen(): Promise<'start' | 'remove' | 'rest'> {
    return this.#kept.reopen(this.#around.clock);
  }

  async start(): Promise<{ alreadyRunning: boolean }> {
    return await this.#turns.with(async () => {
      this.#mayStart();
      if (this.#launched !== undefined) return { alreadyRunning: true };
      this.#again.cancel();
      this.#kept.stoppedByHand = false;
      await this.#begin(0);
      return { alreadyRunning: false };
    });
  }

  #mayStart(): void {
    if (this.#removing) {
      throw new Problem('conflict', 'container is marked for removal and cannot be started');
    }
    if (this.#closing) throw new Problem('unavailable', 'the server is shutting down: no container can be started');
    if (this.#kept.state.status === 'paused') {
      throw new Problem('conflict', 'cannot start a paused container, try unpause instead');
    }
  }

  async #begin(restarts: number): Promise<void> {
    const run = this.#run;
    let launched: Launched;
    try {
      const log = await this.log();
      run.begin(log);
      launched = await this.files.without(async () => {
        this.#launched = await launch(this.record, this.folder, this.#size, log, this.#around);
        return this.#launched;
      });
    } catch (error) {
      await this.#failed(run, error);
      throw error;
    }
    const { process, network } = launched;
    const startedAt = this.#around.clock.now();
    this.#ending = this.#untilEnd(run, launched, startedAt);
    const fresh = { exitCode: 0, error: '', outOfMemory: false, finishedAt: 0 };
    try {
      await this.#kept.become({ status: 'running', pid: process.pid, startedAt, restarts, ...fresh }, { network });
      this.tell('start');
    } catch (error) {
      launched.kill();
      throw error;
    } finally {
      run.runs(process);
    }
  }

  /** It could not begin: the record says why, with docker's exit codes. */
  async #failed(run: Run, error: unknown): Promise<void> {
    const code = (error instanceof Problem ? error.exitCode : undefined) ?? 128;
    const { status } = this.#kept.state;
    await this.#kept.becomeAtLeastHere({
      status: status === 'restarting' ? 'exited' : status,
      exitCode: code,
      error: messageOf(error),
      pid: 0,
    });
    run.outputEnded(await this.log());
    this.#run = new Run();
    run.giveWay(this.#run);
    if (this.record.request.autoRemove) await this.#remove(true);
  }

  async #untilEnd(run: Run, launched: Launched, startedAt: number): Promise<void> {
    const exit = await exitOf(launched.process, this.id);
    launched.hasEnded = true;
    // a turn: its start is on record before its end is, and nothing is removed while that is written
    await this.#turns.with(() => this.#ended(run, launched, exit, startedAt));
    run.end({ code: exit.code });
    if (!this.record.request.autoRemove || this.#restarting || this.#removing) return;
    // nothing of its output may be lost to a client that is slow
    await run.drained();
    await this.remove({ volumes: true }).catch((error: unknown) => {
      serverLog.error({ container: this.id, error: messageOf(error) }, 'a container could not be removed at its end');
    });
  }

  async #ended(run: Run, launched: Launched, exit: ContainerExit, startedAt: number): Promise<void> {
    const log = await this.log();
    await log.settle();
    run.outputEnded(log);
    this.#launched = undefined;
    this.#run = new Run();
    const finishedAt = this.#around.clock.now();
    const { request, state } = this.record;
    const ended = { exitCode: exit.code, stoppedByHand: this.#kept.stoppedByHand, restarts: state.restarts };
    const again = !this.#closing && !this.#removing && !this.#restarting && startsAgain(request.restart, ended);
    const status = again ? 'restarting' : 'exited';
    await this.#kept.becomeAtLeastHere(
      { status, pid: 0, exitCode: exit.code, outOfMemory: exit.outOfMemory, finishedAt },
      { network: { name: this.record.network.name } },
    );
    if (exit.outOfMemory) this.tell('oom');
    this.tell('die', { exitCode: String(exit.code) });
    await launched.leave();
    if (again) this.#again.set(finishedAt - startedAt, () => void this.#beginAgain(state.restarts + 1));
  }

  async #beginAgain(restarts: number): Promise<void> {
    await this.#turns.with(async () => {
      if (this.#kept.state.status !== 'restarting' || this.#closing || this.#removing) return;
      await this.#begin(restarts).catch((error: unknown) => {
        serverLog.warn({ container: this.id, error: messageOf(error) }, 'a container could not be started again');
      });
    });
  }

  async stop(seconds: number | undefined): Promise<{ alreadyStopped: boolean }> {
    await this.#turns.with(async () => undefined); // a start that is under way
    if (this.#again.cancel()) {
      this.#kept.stoppedByHand = true;
      await this.#kept.become({ status: 'exited' });
      this.tell('stop');
      return { alreadyStopped: false };
    }
    if (this.#launched === undefined) return { alreadyStopped: true };
    const { stopSignal, stopSeconds } = this.record.request;
    const run = this.#run;
    await this.#signal(stopSignalOf(stopSignal));
    if (this.#kept.state.status === 'paused') await this.unpause().catch(() => undefined);
    const patience = seconds ?? stopSeconds ?? STOP_SECONDS;
    if (patience >= 0 && !(await endsWithin(run.over, patience * 1000))) {
      // it may have ended by itself in this moment
      if (this.#launched !== undefined && this.#run === run) await this.#signal('SIGKILL');
    }
    await run.over;
    this.tell('stop');
    return { alreadyStopped: false };
  }

  async #signal(signal: string): Promise<void> {
    const number = signalNumber(signal);
    this.#kept.stoppedByHand = true;
    this.tell('kill', { signal: String(number) });
    await this.#launched?.process.signal(String(number));
  }

  async kill(signal: string): Promise<void> {
    const number = signalNumber(signal);
    if (this.#launched === undefined) {
      const { name } = this.record;
      throw new Problem('conflict', `Cannot kill container: ${name}: Container ${this.id} is not running`);
    }
    const run = this.#run;
    const isPaused = this.#kept.state.status === 'paused';
    await this.#signal(signal);
    if (number !== 9) return;
    if (isPaused) await this.unpause().catch(() => undefined); // what is frozen does not die; it may have thawed meanwhile
    await run.over;
  }

  async restart(seconds: number | undefined): Promise<void> {
    this.#restarting = true;
    try {
      await this.stop(seconds);
    } finally {
      this.#restarting = false;
    }
    await this.start();
    this.tell('restart');
  }

  async pause(): Promise<void> {
    const process = this.mustRun();
    if (this.#kept.state.status === 'paused') {
      throw new Problem('conflict', `Container ${this.id} is already paused`);
    }
    await process.pause();
    if (this.#launched?.process === process) await this.#kept.become({ status: 'paused' });
    this.tell('pause');
  }

  async unpause(): Promise<void> {
    if (this.#launched === undefined || this.#kept.state.status !== 'paused') {
      throw new Problem('conflict', `Container ${this.id} is not paused`);
    }
    await this.#launched.process.unpause();
    // it may have ended meanwhile
    if (this.#launched !== undefined) await this.#kept.become({ status: 'running' });
    this.tell('unpause');
  }

  async update(limits: Limits): Promise<void> {
    const { request } = this.record;
    await this.#launched?.process.update(limits);
    await this.#kept.save({ request: { ...request, limits: { ...request.limits, ...limits } } });
    this.tell('update');
  }

  resize(size: TerminalSize): void {
    this.mustRun().resize(size);
    this.#size = size;
    this.tell('resize', { height: String(size.rows), width: String(size.columns) });
  }

  async wait(condition: WaitCondition): Promise<RunEnd> {
    const { state } = this.record;
    if (condition === 'removed') return await this.#removal[0];
    const rests = this.#launched === undefined && !this.#again.isSet;
    if (condition === 'not-running' && rests) return { code: state.exitCode };
    return await this.#run.told;
  }

  async remove({ force = false, volumes = false }: { force?: boolean; volumes?: boolean }): Promise<void> {
    await this.#turns.with(async () => undefined); // a start that is under way
    if (this.#removing) throw new Problem('conflict', `removal of container ${this.id} is already in progress`);
    const runs = this.#launched !== undefined || this.#again.isSet;
    if (runs && !force) throw new Problem('conflict', refusedRemoval(this.#kept.state.status, this.id));
    this.#removing = true;
    try {
      this.#again.cancel();
      if (this.#launched !== undefined) await this.kill('SIGKILL');
      await this.#turns.with(() => this.#remove(volumes));
    } finally {
      this.#removing = false;
    }
  }

  async #remove(volumes: boolean): Promise<void> {
    this.#kept.show({ status: 'removing' });
    this.#gone.abort();
    try {
      await (await this.log()).close();
      await this.files.without(() => erase(this.record, this.folder, volumes, this.#around));
    } catch (error) {
      this.#kept.show({ status: 'dead' });
      throw error;
    }
    this.#around.forget(this);
    const code = this.#kept.state.exitCode;
    this.#run.end({ code });
    this.tell('destroy');
    this.#removal[1]({ code });
  }

  /** Its folders for a reader; nothing starts meanwhile, and what runs is frozen if `pause` says so. */
  async withFiles<T>(pause: boolean, work: (files: { upper: string; lowers: string[] }) => Promise<T>): Promise<T> {
    return await this.#turns.with(async () => {
      const image = await this.image();
      const process = pause && this.#kept.state.status === 'running' ? this.started : undefined;
      try {
        await process?.pause();
        return await work({ upper: this.folder.upper, lowers: image.lowers });
      } finally {
        await process?.unpause().catch(() => undefined); // it may have ended
        await image.release();
      }
    });
  }

  /** Ends it with its scope; what it is stays, but for those that are removed at their end. */
  /** @param seconds that it has to end by itself after its stop signal, if it listens for it */
  async close(seconds: number): Promise<void> {
    this.#closing = true;
    this.#again.cancel();
    await this.#turns.with(async () => undefined);
    const run = this.#run;
    if (this.#launched !== undefined) {
      if (seconds > 0) await endsByItself(this.record, this.#launched.process, run.over, seconds * 1000);
      this.#launched?.kill();
      await run.told;
    }
    this.#gone.abort();
    await this.#ending;
    if (this.#log !== undefined) await (await this.#log).close();
    await this.files.without(async () => undefined);
  }
}
