import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { giveBackAtRest } from './give-back-at-rest.ts';

/** Says how much it works in each second. */
class Worker {
  given = 0;
  #spent = 0;

  spent(): number {
    return this.#spent;
  }

  giveBack(): void {
    this.given++;
    this.#spent += 50_000;
  }

  pass(seconds: number, workMs: number): void {
    for (let i = 0; i < seconds; i++) {
      this.#spent += workMs * 1000;
      vi.advanceTimersByTime(1000);
    }
  }
}

describe('memory at rest', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is given back once after the start, and its own work is no reason to do it again', () => {
    const worker = new Worker();
    giveBackAtRest(worker);
    worker.pass(60, 1);
    expect(worker.given).toBe(1);
  });

  it('is given back again after work, and not during it', () => {
    const worker = new Worker();
    giveBackAtRest(worker);
    worker.pass(10, 1);
    worker.pass(10, 300);
    expect(worker.given).toBe(1);
    worker.pass(10, 1);
    expect(worker.given).toBe(2);
  });

  it('is left alone between builds that follow one another', () => {
    const worker = new Worker();
    giveBackAtRest(worker);
    for (let i = 0; i < 10; i++) {
      worker.pass(1, 300);
      worker.pass(2, 1);
    }
    expect(worker.given).toBe(0);
  });

  it('is what this process really does', () => {
    giveBackAtRest();
    vi.advanceTimersByTime(60_000);
  });
});
