/** Which stream a chunk is of, in the numbers of docker's frames. */
export type OutputStream = 'stdout' | 'stderr';

const NUMBER: Record<OutputStream, number> = { stdout: 1, stderr: 2 };

/** One frame of docker's multiplexed streams: `[1|2, 0, 0, 0, length as 4 bytes big-endian]` and the bytes. */
export function frame(stream: OutputStream, bytes: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(8 + bytes.length);
  framed.writeUInt32BE(NUMBER[stream] * 0x1000000, 0);
  framed.writeUInt32BE(bytes.length, 4);
  framed.set(bytes, 8);
  return framed;
}
