import { expect, it } from 'vitest';
import { DockerFrames } from './docker-frames.ts';

function frame(stream: number, text: string): Buffer {
  const head = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(text.length, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

it.each([1, 3, 8, 1000])('puts pieces of %i bytes together again, each on its stream', (size) => {
  const out = { stdout: '', stderr: '' };
  const frames = new DockerFrames((stream, bytes) => {
    out[stream] += bytes.toString();
  });
  const all = Buffer.concat([frame(1, 'hello '), frame(2, 'oh\n'), frame(1, ''), frame(1, 'world\n')]);
  for (let at = 0; at < all.length; at += size) frames.take(all.subarray(at, at + size));
  expect(out).toEqual({ stdout: 'hello world\n', stderr: 'oh\n' });
});
