import { closeSync } from 'node:fs';
import { hasErrorCode } from '../lib/problem.ts';
import { call, SYSCALL } from './libc.ts';

/**
 * A process by a descriptor (pidfd_open(2), Linux 5.3). Its number may belong to somebody else as soon as it has ended; a
 * signal sent by this can reach nobody else.
 */
export class PidFd {
  readonly #fd: number;
  #open = true;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Undefined when there is no such process any more. */
  static of(pid: number): PidFd | undefined {
    try {
      return new PidFd(call('syscallPidfdOpen', `process ${pid}`, SYSCALL.pidfdOpen, pid, 0));
    } catch (error) {
      if (hasErrorCode(error, 'ESRCH', 'EINVAL')) return undefined;
      throw error;
    }
  }

  /** @returns false when it has ended; one that its parent has not asked for yet still takes signals */
  signal(number: number): boolean {
    if (!this.#open) return false;
    try {
      call('syscallPidfdSendSignal', `signal ${number}`, SYSCALL.pidfdSendSignal, this.#fd, number, null, 0);
      return true;
    } catch (error) {
      if (!hasErrorCode(error, 'ESRCH')) throw error;
      return false;
    }
  }

  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }
}
