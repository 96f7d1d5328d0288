import type { TransferEvent } from '../../doors/control/wire.ts';
import { type Digest, shortDigest } from '../../images/digest.ts';
import type { Terminal } from '../terminal.ts';
import { itemText } from './item-text.ts';
import { LiveLines, type ScreenLine, type ScreenSize } from './live-lines.ts';
import { Rate } from './rate.ts';
import { Redraw } from './redraw.ts';
import { cutText } from './text-width.ts';

/** How layers on their way are shown. */
export interface TransferProgress {
  listen(event: TransferEvent): void;
  /** Called once, however it ended; what is shown then stays. */
  finish(): void;
}

interface Row {
  state: string;
  /** Bytes, while it is on its way. */
  bytes?: { current: number; total: number; rate: Rate } | undefined;
}

/** Nothing, where the answer alone was asked for. */
const SILENT: TransferProgress = { listen: () => undefined, finish: () => undefined };

/** On a terminal a line for each layer with a bar, drawn again in place; elsewhere docker's lines, one for each change. */
export function transferProgress({ live, err }: Terminal, silent = false): TransferProgress {
  if (silent) return SILENT;
  if (live === undefined)
    return {
      listen: (event) => {
        if (event.state !== undefined) err(`${shortDigest(event.layer)}: ${stateOf(event)}\n`);
      },
      finish: () => undefined,
    };
  const rows = new Map<Digest, Row>();
  const lines = new LiveLines(live.write, live.size);
  const draw = () => lines.draw(picture(rows, live.size(), performance.now()));
  const redraw = new Redraw(draw);
  const unwatch = live.onResize(() => redraw.ask());
  return {
    listen(event) {
      note(rows, event, performance.now());
      redraw.ask();
    },
    finish() {
      redraw.end();
      unwatch();
      lines.draw(picture(rows, { ...live.size(), rows: Number.POSITIVE_INFINITY }, performance.now()));
      lines.leave();
    },
  };
}

function note(rows: Map<Digest, Row>, event: TransferEvent, now: number): void {
  const row = rows.get(event.layer) ?? { state: '' };
  rows.set(event.layer, row);
  if (event.state !== undefined) {
    row.state = stateOf(event);
    row.bytes = undefined;
  }
  if (event.current === undefined) return;
  const rate = row.bytes?.rate ?? new Rate();
  rate.add(now, event.current);
  row.bytes = { current: event.current, total: event.total ?? 0, rate };
}

/** Of more layers than fit, those that are on their way stay. */
function picture(rows: ReadonlyMap<Digest, Row>, { columns, rows: height }: ScreenSize, now: number): ScreenLine[] {
  const all = [...rows];
  const room = height - 1;
  const moving = all.filter(([, { bytes }]) => bytes !== undefined).slice(0, room);
  const chosen = new Set(all.length <= room ? all : [...moving, ...all.slice(-Math.max(0, room - moving.length))]);
  return all
    .filter((row) => chosen.has(row))
    .slice(0, room)
    .map(([layer, { state, bytes }]) => {
      const item = { item: shortDigest(layer), current: bytes?.current ?? 0, total: bytes?.total };
      const text = cutText(
        bytes === undefined
          ? `${shortDigest(layer)}: ${state}`
          : itemText(item, bytes.rate.perSecond(now), columns - 1),
        columns - 1,
      );
      return { text, styled: text };
    });
}

function stateOf({ state = '', from }: TransferEvent): string {
  return from === undefined ? state : `${state} from ${from}`;
}
