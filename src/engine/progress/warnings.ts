import type { BuildEvent } from '../events.ts';

/** The warnings of a build as BuildKit lists them at the end; nothing where there are none. */
export class WarningList {
  readonly #lines: string[] = [];

  get count(): number {
    return this.#lines.length;
  }

  add({ rule, message, place }: Extract<BuildEvent, { kind: 'warning' }>): void {
    const line = place.ranges[0]?.line;
    this.#lines.push(` - ${rule}: ${message}${line === undefined ? '' : ` (line ${line})`}\n`);
  }

  /** @param hint where they are explained */
  text(hint: string | undefined): string {
    if (this.count === 0) return '';
    const more = hint === undefined ? '' : ` (${hint})`;
    return `\n ${this.count} warning${this.count === 1 ? '' : 's'} found${more}:\n${this.#lines.join('')}`;
  }
}
