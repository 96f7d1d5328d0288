import type { OutputStream } from '../attach/frames.ts';

/** What a container wrote at once, as the log keeps it. */
export interface LogRecord {
  /** Where it stands in the log, counted from the container's first byte on; rotation changes no positions. */
  position: number;
  stream: OutputStream;
  /** Nanoseconds since 1970. */
  time: bigint;
  bytes: Buffer;
}

/** Which streams stood in the middle of a line where a segment of the log begins. */
export interface OpenLines {
  stdout: boolean;
  stderr: boolean;
}

/** In front of every record: kind, flags, two bytes of nothing, length (4), time (8), all little-endian. */
export const RECORD_HEADER = 16;

const KINDS = ['segment', 'stdout', 'stderr'] as const;

export function encodeRecord(stream: OutputStream, time: bigint, bytes: Buffer): Buffer {
  const header = headerOf(KINDS.indexOf(stream), 0, bytes.length, time);
  return Buffer.concat([header, bytes]);
}

/** Stands at the beginning of every segment. */
export function encodeSegmentHead(open: OpenLines, time: bigint): Buffer {
  return headerOf(0, (open.stdout ? 1 : 0) | (open.stderr ? 2 : 0), 0, time);
}

function headerOf(kind: number, flags: number, length: number, time: bigint): Buffer {
  const header = Buffer.alloc(RECORD_HEADER);
  header[0] = kind;
  header[1] = flags;
  header.writeUInt32LE(length, 4);
  header.writeBigUInt64LE(time, 8);
  return header;
}

export type ReadRecord =
  | { kind: 'segment'; open: OpenLines; time: bigint; end: number }
  | (LogRecord & { kind: 'record'; end: number });

/** More than a container can write at once, and less than what a damaged length says. */
const LONGEST = 16 << 20;

/**
 * The record that begins at `at`; `end` is where it ends in the buffer. `short`: the buffer ends within it, `needed` bytes
 * from `at` are its length. Undefined for bytes that are none.
 */
export function readRecord(
  buffer: Buffer,
  at: number,
  position: number,
): ReadRecord | { kind: 'short'; needed: number } | undefined {
  if (at + RECORD_HEADER > buffer.length) return { kind: 'short', needed: RECORD_HEADER };
  const kind = KINDS[buffer[at] ?? 3];
  const length = buffer.readUInt32LE(at + 4);
  if (kind === undefined || length > LONGEST) return undefined;
  const end = at + RECORD_HEADER + length;
  if (kind === 'segment') {
    const flags = buffer[at + 1] ?? 0;
    const open = { stdout: (flags & 1) !== 0, stderr: (flags & 2) !== 0 };
    return { kind, open, time: buffer.readBigUInt64LE(at + 8), end };
  }
  if (end > buffer.length) return { kind: 'short', needed: end - at };
  const time = buffer.readBigUInt64LE(at + 8);
  return { kind: 'record', position, stream: kind, time, bytes: buffer.subarray(at + RECORD_HEADER, end), end };
}
