import type { Socket } from 'node:net';
import { Problem, type ProblemJson } from '../../lib/problem.ts';

/**
 * What crosses the socket: one JSON object per line. Rows are small; whoever has megabytes to say should page, and a peer
 * that never ends its line must not fill our memory.
 */
export const FRAME_BYTES = 16 << 20;

/** `args` by position, so that an absent one stays absent: JSON has no `undefined`. */
export interface CallFrame {
  id: number;
  object: string;
  method: string;
  args: Record<string, unknown>;
}

/** A call's end: its result, the user's Problem, or the message of a bug. */
export type ReplyFrame = { id: number; result?: unknown } | { id: number; problem: ProblemJson } | BugFrame;

interface BugFrame {
  id: number;
  bug: string;
}

/** @throws Problem `invalid` when the message is longer than the bound, TypeError when it is no JSON (a bigint, a circle) */
export function encodeFrame(frame: CallFrame | ReplyFrame): string {
  const text = JSON.stringify(frame);
  if (text.length > FRAME_BYTES / 4 && Buffer.byteLength(text) > FRAME_BYTES)
    throw new Problem('invalid', `a message of ${Buffer.byteLength(text)} bytes is too long for the owner's socket`, {
      hint: `The bound is ${FRAME_BYTES} bytes; ask for less at once.`,
    });
  return `${text}\n`;
}

/**
 * Cuts what arrives into frames. A peer that breaks the rules (no JSON, no end) is disconnected: there is no way to find
 * the beginning of its next message.
 */
export function readFrames<T>(socket: Socket, onFrame: (frame: T) => void): void {
  let parts: Buffer[] = [];
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, end));
      start = end + 1;
      const line = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      parts = [];
      size = 0;
      try {
        onFrame(JSON.parse(line.toString('utf8')) as T);
      } catch (error) {
        socket.destroy(error as Error);
        return;
      }
    }
    if (start === chunk.length) return;
    parts.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > FRAME_BYTES) socket.destroy(new Error(`a message longer than ${FRAME_BYTES} bytes`));
  });
}
