import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { giveBackFreed } from '../kernel/allocator.ts';

/** Between two looks at the process's own processor time. Milliseconds. */
const LOOK_MS = 1000;
/** More than this between two looks is work. Microseconds. */
const WORK_US = 20_000;
/** So many looks without work are a rest: whoever builds again and again never waits for a collection of ours. */
const REST_LOOKS = 3;

export interface Process {
  /** Processor time since its start, in microseconds. */
  spent(): number;
  /** Gives back what it doesn't need. */
  giveBack(): void;
}

/**
 * Gives memory back once after work, its start included, when the process rests. V8 collects when something is allocated,
 * and glibc keeps what was freed, so a process that has done its work and waits would hold for hours what it needed last.
 * It costs 40 ms of processor time, which nobody waits for.
 */
export function giveBackAtRest(own: Process = THIS): void {
  let before = own.spent();
  let worked = true;
  let looks = 0;
  const look = () => {
    const now = own.spent();
    const works = now - before > WORK_US;
    before = now;
    if (works) {
      worked = true;
      looks = 0;
    } else if (worked && ++looks >= REST_LOOKS) {
      own.giveBack();
      worked = false;
      looks = 0;
      // V8's threads go on for a moment, which is no work of ours
      clearInterval(timer);
      setTimeout(again, LOOK_MS).unref();
    }
  };
  const again = () => {
    before = own.spent();
    timer = setInterval(look, LOOK_MS).unref();
  };
  let timer = setInterval(look, LOOK_MS).unref();
}

const THIS: Process = {
  spent: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  giveBack: () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    collect();
    giveBackFreed();
  },
};
