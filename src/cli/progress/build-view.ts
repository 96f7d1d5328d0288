import type { BuildEvent } from '../../engine/events.ts';
import { itemText } from './item-text.ts';
import type { ScreenLine, ScreenSize } from './live-lines.ts';
import type { Colour, Paint } from './paint.ts';
import { Rate } from './rate.ts';
import { Tail } from './tail.ts';
import { cutText, printable, textWidth } from './text-width.ts';

/** Lines of a running command's output that are shown. */
const TAIL_LINES = 6;
/** Layers on their way that are shown of one vertex. */
const ITEMS = 6;
/** A time at the far end of a very wide screen is not read as its line's. */
const WIDEST = 140;

type Status = Extract<BuildEvent, { kind: 'status' }>;
type Ended = Extract<BuildEvent, { kind: 'end' }>;

interface Row {
  name: string;
  started: number;
  ended?: Ended | undefined;
  tail: Tail;
  items: Map<string, { last: Status; rate: Rate }>;
}

/** What a build is doing, as lines for a screen: BuildKit's picture, with bars for bytes on their way. */
export class BuildView {
  readonly #rows = new Map<number, Row>();
  readonly #started: number;
  #warnings = 0;

  /** @param started milliseconds, by the clock of `add` and `lines` */
  constructor(started: number) {
    this.#started = started;
  }

  add(event: BuildEvent, now: number): void {
    if (event.kind === 'vertex')
      this.#rows.set(event.id, {
        name: oneLine(event.name),
        started: now,
        tail: new Tail(TAIL_LINES),
        items: new Map(),
      });
    else if (event.kind === 'warning') this.#warnings++;
    else if (event.kind === 'output') this.#rows.get(event.id)?.tail.add(event.text);
    else if (event.kind === 'status') this.#status(event, now);
    else if (event.kind === 'end') {
      const row = this.#rows.get(event.id);
      if (row !== undefined) row.ended = event;
    }
  }

  #status(event: Status, now: number): void {
    const items = this.#rows.get(event.id)?.items;
    const item = items?.get(event.item) ?? { last: event, rate: new Rate() };
    item.last = event;
    item.rate.add(now, event.current);
    items?.set(event.item, item);
  }

  /**
   * As much as fits: first what runs, then what it says, then what ended last.
   * @param word said in the header when the build has ended; then every vertex is shown, however many there are
   */
  lines({ columns, rows }: ScreenSize, now: number, paint: Paint, word?: string): ScreenLine[] {
    const width = Math.min(columns - 1, WIDEST);
    const all = [...this.#rows.values()];
    const ended = all.filter((row) => row.ended !== undefined).length;
    const warnings = this.#warnings === 0 ? '' : ` ${this.#warnings} warning${this.#warnings === 1 ? '' : 's'}`;
    const header = `[+] Building ${seconds(now - this.#started)} (${ended}/${all.length})${warnings}${word === undefined ? '' : ` ${word}`}`;
    const shown = word === undefined ? fitting(all, rows - 2, (row) => detailsOf(row, width, now)) : all.map(whole);
    return [
      plainLine(cutText(header, width)),
      ...shown.flatMap(({ row, details }) => [
        rowLine(row, word === undefined ? undefined : 'cancelled', width, now, paint),
        ...details.map((text) => ({ text, styled: paint('dim', text) })),
      ]),
    ];
  }
}

interface ShownRow {
  row: Row;
  details: string[];
}

function whole(row: Row): ShownRow {
  return { row, details: [] };
}

/** Chooses what fits into so many lines. */
function fitting(all: readonly Row[], height: number, details: (row: Row) => string[]): ShownRow[] {
  const running = all.filter((row) => row.ended === undefined).slice(0, Math.max(0, height));
  const wanted = new Map(running.map((row) => [row, details(row)]));
  const sum = [...wanted.values()].reduce((lines, { length }) => lines + length, 0);
  const spare = height - running.length;
  // what ended keeps a third of the screen, so that one sees where the build is
  const ended = all.filter((row) => row.ended !== undefined);
  const past = Math.max(0, Math.min(ended.length, Math.max(spare - sum, Math.floor(height / 3)), spare));
  let left = Math.max(0, spare - past);
  let waiting = running.length;
  const shown = new Map<Row, string[]>(ended.slice(ended.length - past).map((row) => [row, []]));
  for (const row of running) {
    const lines = wanted.get(row) ?? [];
    const share = Math.floor(left / waiting--);
    const kept = share === 0 ? [] : lines.slice(-share);
    shown.set(row, kept);
    left -= kept.length;
  }
  return all.flatMap((row) => {
    const lines = shown.get(row);
    return lines === undefined ? [] : [{ row, details: lines }];
  });
}

/** @param open how a vertex ended that nobody said an end of: whoever hangs up hears no more */
function rowLine(row: Row, open: Ended['status'] | undefined, width: number, now: number, paint: Paint): ScreenLine {
  const status = row.ended?.status ?? open;
  const time = seconds(row.ended?.ms ?? now - row.started);
  const word = status === undefined ? undefined : WORDS[status];
  const name = cutText(` => ${word === undefined ? '' : `${word} `}${row.name}`, width - time.length - 1);
  const text = `${name}${' '.repeat(Math.max(1, width - textWidth(name) - time.length))}${time}`;
  return { text, styled: status === undefined ? text : paint(COLOURS[status], text) };
}

const WORDS: Record<Ended['status'], string | undefined> = {
  done: undefined,
  cached: 'CACHED',
  error: 'ERROR',
  cancelled: 'CANCELED',
};
const COLOURS: Record<Ended['status'], Colour> = { done: 'blue', cached: 'blue', error: 'red', cancelled: 'yellow' };

/** Bytes on their way, then the last lines of its output. */
function detailsOf(row: Row, width: number, now: number): string[] {
  const items = [...row.items.values()].filter(({ last }) => !last.done).slice(-ITEMS);
  return [
    ...items.map(({ last, rate }) => cutText(` => => ${itemText(last, rate.perSecond(now), width - 7)}`, width)),
    ...row.tail.lines.map((line) => cutText(` => => # ${printable(line)}`, width)),
  ];
}

function plainLine(text: string): ScreenLine {
  return { text, styled: text };
}

function oneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, ' ').trim());
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)}s`;
}
