import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuildRequest } from '../../src/builds/request/request.ts';
import type { GrowthTable } from '../growth/growth-table.ts';
import { type BuildField, hubName } from './build-field.ts';

const SIZES = [1, 16, 64];
/** Between two questions of one kind; each waits for its answer. Milliseconds. */
const PAUSE_MS = 20;
/** Nice value of whoever asks. */
const CLIENT_PRIORITY = -10;

/** So many builds at once, and how long the doors take to answer meanwhile. */
export function buildsAtOnce({ server, upstream }: BuildField): GrowthTable<object> {
  const request: BuildRequest = {
    steps: [
      {
        name: hubName(upstream.busybox),
        args: ['sh', '-c', 'for i in 1 2 3; do sha256sum /bin/busybox; done; echo done'],
      },
    ],
  };
  return {
    title: 'Builds submitted at once, and the doors meanwhile',
    about: `Each one step in a container. Another client asks in turn, with ${PAUSE_MS} ms of rest: the time of half of its requests and of 99 in 100. *loop*: the longest that the server's event loop was held up meanwhile.`,
    columns: [
      'builds',
      'all s',
      's for each',
      'CPU s for each',
      'submit ms',
      'GET p50',
      'GET p99',
      'list p50',
      'list p99',
      'HEAD p50',
      'HEAD p99',
      'peak MB',
      'loop ms',
    ],
    async *lines() {
      // on a busy machine it would measure how long it waits for a processor itself
      setPriority(CLIENT_PRIORITY);
      await server.ended(await server.submit(request));
      for (const size of SIZES) {
        const stop = new AbortController();
        let seconds = 0;
        let submitted = 0;
        let asked: Promise<number[][]> | undefined;
        await server.metric('nodejs_eventloop_lag_max_seconds');
        const spent = await server.cpuSeconds();
        const peak = await server.peakDuring(async () => {
          const started = performance.now();
          const ids = await Promise.all(Array.from({ length: size }, () => server.submit(request)));
          submitted = performance.now() - started;
          asked = Promise.all([
            asking(stop.signal, () => server.build(ids.at(-1) ?? '')),
            asking(stop.signal, () => server.list()),
            asking(stop.signal, () => server.head('bench/images/none', 'latest')),
          ]);
          for (const id of ids) await server.ended(id);
          seconds = (performance.now() - started) / 1000;
          stop.abort();
        });
        const times = ((await asked) ?? []).flatMap((all) => [quantile(all, 0.5), quantile(all, 0.99)]);
        const loop = (await server.metric('nodejs_eventloop_lag_max_seconds')) * 1000;
        yield [
          size,
          seconds.toFixed(2),
          (seconds / size).toFixed(3),
          (((await server.cpuSeconds()) - spent) / size).toFixed(3),
          Math.round(submitted),
          ...times.map((ms) => ms.toFixed(1)),
          Math.round(peak / 1e6),
          loop.toFixed(1),
        ];
      }
    },
  };
}

/** Milliseconds of every request until the signal. */
async function asking(signal: AbortSignal, ask: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  while (!signal.aborted) {
    const started = performance.now();
    await ask();
    times.push(performance.now() - started);
    await sleep(PAUSE_MS);
  }
  return times;
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
