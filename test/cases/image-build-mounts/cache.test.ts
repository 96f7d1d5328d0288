import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pruneCacheMounts } from '../../../src/engine/mounts/prune-caches.ts';
import { hasBusybox } from '../image-build/busybox-base.ts';
import { hasRunc } from '../image-build/needs.ts';
import { buildWith } from '../image-build/test-engine.ts';
import { BASE, MountBench, output, statuses } from './mount-bench.ts';

let nth = 0;
/** A command that was never run before. */
const fresh = (command: string) => `${command} # ${++nth}`;

describe.skipIf(!hasBusybox || !hasRunc)('RUN --mount=type=cache', () => {
  let bench: MountBench;
  beforeAll(async () => {
    bench = await MountBench.open('cachetest');
  });
  afterAll(() => bench.close());

  it('stays from build to build, also over a restart, and never comes into a layer', async () => {
    const line = (command: string) => `${BASE}\nRUN --mount=type=cache,target=/c ${fresh(command)}`;
    const first = await bench.build(line('echo one > /c/f'));
    expect(first.steps[0]?.layer).toBeUndefined();
    expect(output(await bench.build(line('cat /c/f; stat -c "%a %u:%g" /c')))).toBe('one\n755 0:0\n');
    const again = await buildWith(
      await bench.test.restarted(),
      bench.context,
      { dockerfile: { text: `${line('cat /c/f')}\n`, name: 'Dockerfile' } },
      bench.test.caller(),
    );
    expect(output(again)).toBe('one\n');
  });

  it('is one for all targets of an id, and another for another id, owner, namespace or project', async () => {
    const line = (options: string, command: string) => `${BASE}\nRUN --mount=type=cache,${options} ${fresh(command)}`;
    await bench.build(line('id=shared,target=/a', 'echo here > /a/f'));
    expect(output(await bench.build(line('id=shared,target=/b', 'cat /b/f')))).toBe('here\n');
    const others: [string, string, Record<string, string>, string][] = [
      ['another id', 'id=other,target=/a', {}, 'test'],
      ['another owner', 'id=shared,target=/a,uid=1000,mode=700', {}, 'test'],
      ['another namespace', 'id=shared,target=/a', { BUILDKIT_CACHE_MOUNT_NS: 'branch' }, 'test'],
      ['another project', 'id=shared,target=/a', {}, 'elsewhere'],
    ];
    for (const [what, options, buildArgs, project] of others) {
      const result = await bench.build(line(options, 'ls /a; stat -c "%a %u" /a'), { buildArgs }, undefined, project);
      expect([what, output(result)]).toEqual([what, what === 'another owner' ? '700 1000\n' : '755 0\n']);
    }
  });

  it('does not decide whether a command runs again', async () => {
    const dockerfile = (id: string) => `${BASE}\nRUN --mount=type=cache,id=${id},target=/k echo x > /k/f; ls /k > /out`;
    expect(statuses(await bench.build(dockerfile('k1')))).toEqual(['ran']);
    expect(statuses(await bench.build(dockerfile('k2')))).toEqual(['cached']);
  });

  it('begins with the files of a stage, with their owners, and goes on from there', async () => {
    const made = `${BASE} AS made\nRUN mkdir -p /seed/d && echo one > /seed/d/f && chown 1000:50 /seed/d/f\n${BASE}\n`;
    const line = (command: string) =>
      `${made}RUN --mount=type=cache,id=seeded,from=made,source=/seed,target=/c ${fresh(command)}`;
    expect(output(await bench.build(line('stat -c "%u:%g" /c/d/f; echo two >> /c/d/f')))).toBe('1000:50\n');
    expect(output(await bench.build(line('cat /c/d/f')))).toBe('one\ntwo\n');
  });

  it('shows a path of itself, and no link in it leads out', async () => {
    const line = (source: string, command: string) =>
      `${BASE}\nRUN --mount=type=cache,id=sub,${source}target=/c ${fresh(command)}`;
    await bench.build(line('', 'mkdir /c/sel && echo in > /c/sel/f && ln -s /etc /c/out && ln -s sel /c/link'));
    expect(output(await bench.build(line('source=link,', 'cat /c/f')))).toBe('in\n');
    for (const source of ['out', 'none'])
      await expect(bench.build(line(`source=${source},`, 'ls /c'))).rejects.toMatchObject({
        code: 'not-found',
        message: `RUN --mount failed: the cache has no "${source}" yet`,
      });
    expect(await bench.traces()).toEqual([]);
  });

  it('locked: one at a time, also when a command mounts two of them in another order, or one twice', async () => {
    const [a, b] = [
      '--mount=type=cache,id=la,sharing=locked,target=/a',
      '--mount=type=cache,id=lb,sharing=locked,target=/b',
    ];
    const command = 'test ! -e /a/busy && touch /a/busy /b/busy && sleep 0.3 && rm /a/busy /b/busy';
    const builds = [`${a} ${b}`, `${b} ${a}`, `${a} ${b} ${a.replace('/a', '/again')}`].map((mounts) =>
      bench.build(`${BASE}\nRUN ${mounts} ${fresh(command)}`),
    );
    const results = await Promise.all(builds);
    const notes = results.flatMap(({ events }) =>
      events.flatMap((event) => (event.kind === 'note' ? [event.text] : [])),
    );
    expect(notes).toContain('waiting for the cache mount la, which another build uses');
  });

  it('shared: at the same time; private: each its own, which the next one takes over', async () => {
    const meet = (options: string) => (me: string, you: string) =>
      bench.build(
        `${BASE}\nRUN --mount=type=cache,${options},target=/c ${fresh(`touch /c/${me}; for i in 1 2 3 4 5 6 7 8 9 10; do [ -e /c/${you} ] && exit 0; sleep 0.1; done; echo alone`)}`,
      );
    const shared = meet('id=meet,sharing=shared');
    expect((await Promise.all([shared('a', 'b'), shared('b', 'a')])).map(output)).toEqual(['', '']);
    const own = meet('id=own,sharing=private');
    expect((await Promise.all([own('a', 'b'), own('b', 'a')])).map(output)).toEqual(['alone\n', 'alone\n']);
    const next = await bench.build(
      `${BASE}\nRUN --mount=type=cache,id=own,sharing=private,target=/c ${fresh('ls /c | wc -l')}`,
    );
    expect(output(next).trim()).toBe('1');
  });

  it('stops waiting for a locked one when the build is cancelled', async () => {
    const mount = '--mount=type=cache,id=held,sharing=locked,target=/c';
    const stop = new AbortController();
    const holder = bench.build(`${BASE}\nRUN ${mount} ${fresh('sleep 30')}`, {}, stop.signal);
    holder.catch(() => undefined);
    await sleep(500);
    const waiting = new AbortController();
    const waiter = bench.build(`${BASE}\nRUN ${mount} ${fresh('true')}`, {}, waiting.signal);
    setTimeout(() => waiting.abort(), 300);
    await expect(waiter).rejects.toMatchObject({ code: 'cancelled' });
    stop.abort();
    await expect(holder).rejects.toMatchObject({ code: 'cancelled' });
    expect(statuses(await bench.build(`${BASE}\nRUN ${mount} ${fresh('true')}`))).toEqual(['ran']);
    expect(await bench.traces()).toEqual([]);
  });

  it('goes by age and by size, the longest unused first, and never while it is used', async () => {
    const { deps } = bench.test;
    await pruneCacheMounts(deps.snapshots, { idleMs: 0, maxBytes: 0 }, Date.now() + 1000);
    const line = (id: string, command: string) =>
      `${BASE}\nRUN --mount=type=cache,id=${id},target=/c ${fresh(command)}`;
    for (const id of ['old', 'middle', 'new']) {
      await bench.build(line(id, 'dd if=/dev/zero of=/c/f bs=64k count=16 2>/dev/null'));
      await sleep(20);
    }
    const ids = (uses: { id: string }[]) => uses.map(({ id }) => id).sort();
    const all = await pruneCacheMounts(deps.snapshots, { idleMs: 60_000, maxBytes: 1 << 30 }, Date.now());
    expect([ids(all.removed), ids(all.kept)]).toEqual([[], ['/middle', '/new', '/old']]);
    expect(all.kept[0]?.bytes).toBeGreaterThanOrEqual(1 << 20);
    const bySize = await pruneCacheMounts(deps.snapshots, { idleMs: 60_000, maxBytes: 2.5 * (1 << 20) }, Date.now());
    expect([ids(bySize.removed), ids(bySize.kept)]).toEqual([['/old'], ['/middle', '/new']]);

    let started: () => void = () => undefined;
    const up = new Promise<void>((resolve) => {
      started = resolve;
    });
    const onEvent = (event: { kind: string }) => event.kind === 'output' && started();
    const stop = new AbortController();
    const using = bench.build(line('new', 'echo up; sleep 20'), { onEvent }, stop.signal);
    using.catch(() => undefined);
    await up;
    const byAge = await pruneCacheMounts(deps.snapshots, { idleMs: 0, maxBytes: 1 << 30 }, Date.now() + 1000);
    expect([ids(byAge.removed), ids(byAge.kept)]).toEqual([['/middle'], ['/new']]);
    stop.abort();
    await using.catch(() => undefined);
  });
});
