import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelBuild } from '../../../src/builds/queue/cancel-build.ts';
import { BuildDispatcher, type DispatchDeps } from '../../../src/builds/queue/dispatch.ts';
import { recoverBuilds } from '../../../src/builds/queue/recover.ts';
import { runBuild } from '../../../src/builds/run/run-build.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { pause } from '../../../src/lib/retry.ts';
import { NOTHING_LEFT, openBench } from '../build-log/build-bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let dispatcher: BuildDispatcher;
let deps: DispatchDeps;
const hang = { steps: [{ name: 'busybox', args: ['hang'] }] };
const say = { steps: [{ name: 'busybox', args: ['say', 'x'] }] };

beforeEach(async () => {
  bench = await openBench();
  deps = {
    records: bench.records,
    queue: bench.queue,
    pools: bench.submitDeps.pools,
    logs: bench.logs,
    clock: systemClock,
    folder: bench.deps.folder,
    endScope: (id) => bench.deps.engine.endScope(`build:${id}`),
    worker: 'here',
    concurrency: () => 1,
    run: async (build, signal) => void (await runBuild(build, bench.deps, signal)),
    sweep: async () => undefined,
  };
  dispatcher = new BuildDispatcher(deps);
  bench.onEnqueued(() => dispatcher.wake());
});
afterEach(async () => {
  await dispatcher.stop();
  await bench.close();
});

async function until(id: string, status: string) {
  for (let i = 0; i < 400; i++) {
    const build = (await bench.records.get(id))?.build;
    if (build?.status === status) return build;
    await pause(10);
  }
  throw new Error(`build is ${(await bench.records.get(id))?.build.status}, not ${status}`);
}

const cancelDeps = () => ({ ...deps, stop: (id: string) => dispatcher.cancel(id) });

describe('the dispatcher', () => {
  it('runs builds one after the other as far as they fit, in the order in which they came', async () => {
    const builds = [await bench.submit(say), await bench.submit(say), await bench.submit(say)];
    const ended = [];
    for (const { id } of builds) ended.push(await until(id, 'SUCCESS'));
    const starts = ended.map((build) => build.startTime ?? '');
    expect([...starts].sort()).toEqual(starts);
    await dispatcher.stop();
    expect(await bench.queue.claims()).toEqual([]);
  });

  it('expires what waited too long', async () => {
    const first = await bench.submit(hang);
    await until(first.id, 'WORKING');
    const second = await bench.submit({ ...say, queueTtl: '0.3s' });
    expect((await until(second.id, 'EXPIRED')).statusDetail).toContain('queueTtl of 0.3s');
    expect(await bench.logOf(second.id)).toMatch(/^EXPIRED\nERROR: /);
  });

  it('cancels one that runs and one that waits', async () => {
    const running = await bench.submit(hang);
    await until(running.id, 'WORKING');
    const waiting = await bench.submit(say);
    expect((await cancelBuild(waiting.id, cancelDeps())).status).toBe('CANCELLED');
    expect((await cancelBuild(running.id, cancelDeps())).status).toBe('CANCELLED');
    expect((await cancelBuild(running.id, cancelDeps())).status).toBe('CANCELLED');
    const done = await bench.submit(say);
    await until(done.id, 'SUCCESS');
    await expect(cancelBuild(done.id, cancelDeps())).rejects.toMatchObject({ code: 'conflict' });
    await expect(cancelBuild('nope', cancelDeps())).rejects.toMatchObject({ code: 'not-found' });
  });

  it('ends what runs when the server ends, as its own fault', async () => {
    const build = await bench.submit(hang);
    await until(build.id, 'WORKING');
    await dispatcher.stop();
    expect((await bench.records.get(build.id))?.build).toMatchObject({ status: 'INTERNAL_ERROR' });
    expect(await bench.leftovers()).toEqual(NOTHING_LEFT);
  });

  it('ends a build whose process died, with the reason in its log', async () => {
    deps.run = async (build) => {
      await bench.records.update(build.id, ['QUEUED'], { status: 'WORKING' });
      const writer = bench.logs.writer(build.id);
      writer.append('BUILD\n');
      await pause(5);
      throw new Error('killed by SIGKILL');
    };
    dispatcher = new BuildDispatcher(deps);
    const build = await bench.submit(say);
    dispatcher.wake();
    const ended = await until(build.id, 'INTERNAL_ERROR');
    expect(ended.failureInfo?.detail).toBe("the build's process ended too early: killed by SIGKILL");
    expect(await bench.logOf(build.id)).toMatch(/BUILD\nERROR\nERROR: the build's process ended too early/);
  });
});

it('what a dead server had in hand ends as INTERNAL_ERROR at the next start', async () => {
  bench.onEnqueued(() => undefined);
  const build = await bench.submit(say);
  await bench.queue.claim('dead', Date.now(), '');
  await bench.records.update(build.id, ['QUEUED'], {
    status: 'WORKING',
    steps: [{ name: 'busybox', status: 'WORKING' }],
  });
  const waiting = await bench.submit(say);
  expect(await recoverBuilds(deps)).toEqual({ ended: [build.id], waiting: [] });
  expect((await bench.records.get(build.id))?.build).toMatchObject({
    status: 'INTERNAL_ERROR',
    statusDetail: 'the server ended while the build ran',
    steps: [{ status: 'CANCELLED' }],
  });
  expect((await bench.logs.info(build.id))?.closed).toBe(true);
  expect((await bench.records.get(waiting.id))?.build.status).toBe('QUEUED');
});
