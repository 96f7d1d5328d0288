import type { LogOptions } from '../containers.ts';
import type { LogRecord, OpenLines } from './log-record.ts';

/** A place where a line begins: in which record, how far in its bytes, and who was in a line where the record begins. */
export interface LineStart {
  position: number;
  offset: number;
  open: OpenLines;
}

export interface LinePicker {
  /** Of the record what is wanted, with a time in front of every line if asked for; undefined for nothing. */
  pick(record: LogRecord): Buffer | undefined;
}

/**
 * Chooses lines. A line is what a stream wrote from one newline to the next, in however many pieces and whatever the other
 * stream wrote between; it belongs where its first byte stands, and has that byte's time. What has no newline yet is
 * shown as it comes, so that a prompt can be seen.
 * @param from where the first wanted line begins; absent: with the log, also in the middle of a line
 */
export function linePicker(options: LogOptions, from: LineStart | undefined): LinePicker {
  const since = options.since === undefined ? undefined : nanoseconds(options.since);
  const until = options.until === undefined ? undefined : nanoseconds(options.until);
  const inLine = { stdout: from === undefined, stderr: from === undefined };
  const atStart = { stdout: from?.open.stdout !== true, stderr: from?.open.stderr !== true };
  const wanted = { stdout: options.stdout, stderr: options.stderr };

  const includes = ({ position, time }: LogRecord, offset: number) =>
    (from === undefined || position > from.position || (position === from.position && offset >= from.offset)) &&
    (since === undefined || time >= since) &&
    (until === undefined || time <= until);

  return {
    pick(record) {
      const { stream, bytes } = record;
      if (!wanted[stream]) return undefined;
      const parts: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        const newline = bytes.indexOf(0x0a, at);
        const end = newline < 0 ? bytes.length : newline + 1;
        if (atStart[stream]) {
          inLine[stream] = includes(record, at);
          if (inLine[stream] && options.timestamps) parts.push(Buffer.from(`${formatTime(record.time)} `));
        }
        if (inLine[stream]) parts.push(bytes.subarray(at, end));
        atStart[stream] = newline >= 0;
        at = end;
      }
      return parts.length === 0 ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts);
    },
  };
}

/** Collects where the lines of wanted streams begin, for finding the last ones. */
export function lineStarts(
  record: LogRecord,
  open: OpenLines,
  wanted: { stdout: boolean; stderr: boolean },
): LineStart[] {
  const { stream, bytes, position } = record;
  const starts: LineStart[] = [];
  const before = { ...open };
  let atStart = !open[stream];
  for (let at = 0; at < bytes.length; ) {
    if (atStart && wanted[stream]) starts.push({ position, offset: at, open: before });
    const newline = bytes.indexOf(0x0a, at);
    atStart = newline >= 0;
    at = newline < 0 ? bytes.length : newline + 1;
  }
  open[stream] = !atStart;
  return starts;
}

/** Of milliseconds, as exact as a number of today can be. */
export function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1000)) * 1000n;
}

/** As docker writes it: RFC 3339 in UTC with nine digits. */
export function formatTime(time: bigint): string {
  const date = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
  return `${date}.${String(time % 1_000_000_000n).padStart(9, '0')}Z`;
}
