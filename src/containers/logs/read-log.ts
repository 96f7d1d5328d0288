import { frame } from '../attach/frames.ts';
import type { LogOptions } from '../containers.ts';
import type { ContainerLog } from './container-log.ts';
import { type LineStart, linePicker, lineStarts, nanoseconds } from './log-lines.ts';
import type { LogRecord } from './log-record.ts';

/** What ends a reading of a log that is followed. */
export interface LogEnd {
  /** Where the log of this run ends; undefined as long as it goes on. */
  until: () => number | undefined;
  /** Ends it early, without an error. */
  signal: AbortSignal;
}

/** What `docker logs` shows, in chunks for its stream: framed, or raw for a container with a terminal. */
export async function* readLog(
  log: ContainerLog,
  options: LogOptions,
  terminal: boolean,
  { until, signal }: LogEnd,
): AsyncGenerator<Buffer, void, undefined> {
  const end = log.end;
  const from = await firstLine(log, options, end);
  const picker = linePicker(options, from);
  const reader = log.reader(from?.position ?? log.first, false);
  try {
    for (;;) {
      const records = await reader.next(options.follow ? until : () => end, signal);
      if (records === undefined) return;
      for (const record of records) {
        const bytes = picker.pick(record);
        if (bytes !== undefined) yield terminal ? bytes : frame(record.stream, bytes);
      }
    }
  } finally {
    reader.close();
  }
}

async function firstLine(log: ContainerLog, options: LogOptions, end: number): Promise<LineStart | undefined> {
  if (options.tail !== undefined) return await lastLines(log, options.tail, options, end);
  if (options.since === undefined) return undefined;
  const { start, open } = await (await log.segments()).before(nanoseconds(options.since));
  return { position: start, offset: 0, open };
}

/** Where the last `count` lines begin; files are read from the last one backwards until there are enough. */
async function lastLines(log: ContainerLog, count: number, options: LogOptions, end: number): Promise<LineStart> {
  const after: LineStart = { position: end, offset: 0, open: { stdout: false, stderr: false } };
  if (count <= 0) return after;
  const segments = await log.segments();
  const wanted = { stdout: options.stdout, stderr: options.stderr };
  let found: LineStart[] = [];
  for (const start of [...segments.starts].reverse()) {
    const open = { stdout: false, stderr: false };
    let here: LineStart[] = [];
    for await (const item of segments.segment(start)) {
      if (item.open !== undefined) Object.assign(open, item.open);
      const { record } = item as { record?: LogRecord };
      if (record === undefined || record.position >= end) continue;
      here.push(...lineStarts(record, open, wanted));
      if (here.length > 2 * count + 1000) here = here.slice(-count);
    }
    found = [...here, ...found].slice(-count);
    if (found.length >= count) return found[0] ?? after;
  }
  return found[0] ?? after;
}
