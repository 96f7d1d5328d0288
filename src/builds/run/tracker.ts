import { type Clock, timestamp } from '../../lib/clock.ts';
import type { Build, BuildStep, Phase, TimeSpan } from '../build.ts';
import type { BuildRecords } from '../records.ts';

/**
 * How far a running build has come: statuses and times of its steps and phases, written to its record as they change, so
 * that everybody sees a step begin. Writes follow each other, and those that piled up meanwhile become one.
 */
export class BuildTracker {
  readonly steps: BuildStep[];
  readonly timing: Partial<Record<Phase, TimeSpan>> = {};
  readonly #id: string;
  readonly #records: Pick<BuildRecords, 'update'>;
  readonly #clock: Clock;
  #writing: Promise<void> | undefined;
  #changed = false;
  #error: unknown;

  constructor(build: Build, records: Pick<BuildRecords, 'update'>, clock: Clock) {
    this.#id = build.id;
    this.#records = records;
    this.#clock = clock;
    this.steps = build.steps.map((step) => ({ ...step, status: 'QUEUED' }));
  }

  now(): string {
    return timestamp(this.#clock.now());
  }

  step(index: number, change: Partial<BuildStep>): void {
    const step = this.steps[index];
    if (step !== undefined) this.steps[index] = { ...step, ...change };
    this.#write();
  }

  /** Times a phase, however it ends. */
  async phase<T>(name: Phase, work: () => Promise<T>): Promise<T> {
    const span: TimeSpan = { startTime: this.now() };
    this.timing[name] = span;
    try {
      return await work();
    } finally {
      span.endTime = this.now();
      this.#write();
    }
  }

  /** Resolves when all is written. @throws what a write threw */
  async settle(): Promise<void> {
    await this.#writing;
    if (this.#error !== undefined) throw this.#error;
  }

  #write(): void {
    this.#changed = true;
    this.#writing ??= this.#flush().finally(() => {
      this.#writing = undefined;
    });
  }

  async #flush(): Promise<void> {
    while (this.#changed) {
      this.#changed = false;
      try {
        await this.#records.update(this.#id, ['WORKING'], { steps: this.steps, timing: this.timing });
      } catch (error) {
        this.#error ??= error;
      }
    }
  }
}
