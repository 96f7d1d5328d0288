import { Worker } from 'node:worker_threads';
import { Problem } from '../lib/problem.ts';
import type { Digest, DigestAlgorithm } from './digest.ts';

/** Bytes of a message; fewer and larger ones would let the reader wait for the first of them. */
const BLOCK = 512 * 1024;

/** Blocks that the thread may be ahead of its reader: 4 MiB, so that a run of small files does not make it wait. */
const AHEAD = 8;

/** Blocks that stay as they are behind the one that was read last: 2 MiB, more than any reader keeps of a tar in pieces. */
const KEPT = 4;

/** Packed bytes that are read at a time, always to the same place. */
const READ = 256 * 1024;

/** Unpacked bytes between two collections in the thread: zlib gives each chunk memory of its own, of which V8 knows nothing. */
const COLLECTED = 2 << 20;

/** Of its own, so that it needs no file: it is the same from dist/ and from sources. Here blocking is no harm. */
const PROGRAM = `
const { createHash } = require('node:crypto');
const { closeSync, openSync, readSync } = require('node:fs');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { parentPort, workerData } = require('node:worker_threads');
const { createGunzip } = require('node:zlib');
const { path, algorithm, taken, ring, block: size, ahead, read, collected } = workerData;
// the flag is the whole process's and stays: to take it away could be just before another thread makes its context
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const blocks = ring.length / size;
const hash = createHash(algorithm);
let filled = 0;
let sent = 0;
let passed = 0;
const room = () => {
  for (;;) {
    const seen = Atomics.load(taken, 0);
    if (sent - seen < ahead) return;
    Atomics.wait(taken, 0, seen);
  }
};
const send = () => {
  parentPort.postMessage({ length: filled });
  sent++;
  filled = 0;
};
let file;
const give = (last) => {
  if (file !== undefined) closeSync(file);
  file = undefined;
  parentPort.postMessage(last);
  parentPort.close();
};
const unpacker = createGunzip({ chunkSize: 1 << 18 });
unpacker.on('error', (error) => give({ damage: error.message }));
unpacker.on('data', (chunk) => {
  hash.update(chunk);
  for (let at = 0; at < chunk.length; ) {
    if (filled === 0) room();
    const piece = chunk.subarray(at, at + size - filled);
    ring.set(piece, (sent % blocks) * size + filled);
    filled += piece.length;
    at += piece.length;
    if (filled === size) send();
  }
  passed += chunk.length;
  if (passed < collected) return;
  passed = 0;
  collect({ type: 'minor' });
});
unpacker.on('end', () => {
  if (filled > 0) send();
  give({ digest: hash.digest('hex') });
});
const packed = Buffer.allocUnsafeSlow(read);
const next = () => {
  const length = readSync(file, packed, 0, read, null);
  if (length === 0) unpacker.end();
  else unpacker.write(packed.subarray(0, length), (error) => error || step(next));
};
const step = (work) => {
  try {
    work();
  } catch ({ message, code }) {
    give({ failure: { message, code } });
  }
};
step(() => {
  file = openSync(path);
  next();
});
`;

type Message =
  | { length: number }
  | { digest: string }
  | { damage: string }
  | { failure: { message: string; code?: string } }
  | { error: Error };

/** That the bytes are no whole gzip, in zlib's words. */
export class GzipDamage extends Error {}

/**
 * A gzip file unpacked and measured on other processors, some blocks ahead of who reads them. Without the thread, both
 * would stand still whenever the reader makes files: its calls give the event loop no turn, in which zlib is told to go on.
 * Starting the thread takes some 15 ms. Blocks lie in shared memory, because new ones would be collected in the reader's
 * time; each is overwritten once KEPT more were asked for.
 * @returns the digest of all that came out
 * @throws GzipDamage; what reading the file met
 */
export async function* gunzipThread(
  path: string,
  algorithm: DigestAlgorithm,
): AsyncGenerator<Uint8Array, Digest, undefined> {
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const ring = new Uint8Array(new SharedArrayBuffer((AHEAD + KEPT) * BLOCK));
  const sizes = { block: BLOCK, ahead: AHEAD, read: READ, collected: COLLECTED };
  const workerData = { path, algorithm, taken, ring, ...sizes };
  const worker = new Worker(PROGRAM, { eval: true, execArgv: [], env: {}, workerData });
  const messages: Message[] = [];
  let wake: (() => void) | undefined;
  const note = (message: Message) => {
    messages.push(message);
    wake?.();
  };
  worker.on('message', note);
  worker.once('error', (error) => note({ error }));
  worker.once('exit', () => note({ error: new Problem('failed', 'the thread that unpacks ended early') }));
  try {
    for (let at = 0; ; ) {
      const message = messages.shift();
      if (message === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      if ('damage' in message) throw new GzipDamage(message.damage);
      if ('failure' in message) throw Object.assign(new Error(message.failure.message), message.failure);
      if ('error' in message) throw message.error;
      if ('digest' in message) return `${algorithm}:${message.digest}` as Digest;
      yield ring.subarray(at, at + message.length);
      at = (at + BLOCK) % ring.length;
      Atomics.add(taken, 0, 1);
      Atomics.notify(taken, 0);
      // signals, progress and other layers have their turn
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    await worker.terminate();
  }
}
