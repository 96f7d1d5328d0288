import type { ContainerExit, StartedProcess, TerminalSize } from '../container.ts';
import type { HostProcess } from './host-pid.ts';
import type { RuncProcess } from './runc-process.ts';
import { signalNumber } from './signals.ts';

/** A process in a container, as its starter sees it. */
export class RunningProcess implements StartedProcess {
  readonly exited: Promise<ContainerExit>;
  protected readonly runc: RuncProcess;
  protected readonly process: HostProcess | undefined;

  /** @param process undefined when it ended before anybody could look */
  constructor(runc: RuncProcess, process: HostProcess | undefined, exited: Promise<ContainerExit>) {
    this.runc = runc;
    this.process = process;
    this.exited = exited.finally(() => process?.fd.close());
    this.exited.catch(() => undefined); // whoever waits for it hears of it
  }

  get pid(): number {
    return this.process?.pid ?? 0;
  }

  write(chunk: Buffer): Promise<void> {
    return this.runc.write(chunk);
  }

  endInput(): void {
    this.runc.endInput();
  }

  resize(size: TerminalSize): void {
    this.runc.resize(size);
  }

  async signal(signal: string): Promise<void> {
    this.process?.fd.signal(signalNumber(signal));
  }
}
