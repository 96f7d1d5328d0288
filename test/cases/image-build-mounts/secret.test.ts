import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BuildEvent } from '../../../src/engine/events.ts';
import { hasBusybox } from '../image-build/busybox-base.ts';
import { hasRunc } from '../image-build/needs.ts';
import { BASE, MountBench, output, statuses } from './mount-bench.ts';

const VALUE = 'hunter2-correct-horse';
const give = (values: Record<string, string>) => async (id: string) => {
  const value = values[id];
  return value === undefined ? undefined : Buffer.from(value);
};

describe.skipIf(!hasBusybox || !hasRunc)('RUN --mount=type=secret', () => {
  let bench: MountBench;
  beforeAll(async () => {
    bench = await MountBench.open('secrettest');
  });
  afterAll(() => bench.close());
  const secret = give({ token: `${VALUE}\n`, other: 'second-value' });

  it('is a file that only root reads, in memory, where it is asked for; nothing of it stays', async () => {
    const result = await bench.build(
      `${BASE}\nWORKDIR /w\nRUN --mount=type=secret,id=token --mount=type=secret,id=other,target=sub/o,mode=444,uid=1000,gid=50 stat -c '%a %u:%g %s' /run/secrets/token /w/sub/o; grep -c "/run/secrets/token ramfs ro,nosuid,nodev,noexec" /proc/mounts; ! echo x 2>/dev/null > /run/secrets/token\nRUN ! ls /run/secrets /w/sub 2>/dev/null`,
      { secret },
    );
    expect(output(result)).toBe(`400 0:0 ${VALUE.length + 1}\n444 1000:50 12\n1\n`);
    expect(await bench.files(result)).toEqual({ w: 'folder 755 0:0' });
  });

  it('is a variable when it is asked for as one, and then no file', async () => {
    const result = await bench.build(
      `${BASE}\nENV TOKEN=public\nRUN --mount=type=secret,id=token,env=TOKEN [ "$TOKEN" != public ] && echo \${#TOKEN}; ls /run/secrets 2>/dev/null || echo none\nRUN echo $TOKEN`,
      { secret },
    );
    expect(output(result)).toBe(`${VALUE.length + 1}\nnone\npublic\n`);
    expect(JSON.stringify((await bench.test.engine.inspect('mounts:1', bench.test.caller())).config)).not.toContain(
      VALUE,
    );
  });

  it('is on no disk while the command runs', async () => {
    const value = 'kangaroo-route-5521';
    const found: Promise<string[]>[] = [];
    const onEvent = (event: BuildEvent) => {
      if (event.kind === 'output') found.push(onDisk(bench.test.folder, value));
    };
    await bench.build(`${BASE}\nRUN --mount=type=secret,id=t,env=T --mount=type=secret,id=t echo up; sleep 1`, {
      secret: give({ t: value }),
      onEvent,
    });
    expect(await Promise.all(found)).toEqual([[]]);
  });

  it('is silently absent when nobody gives it, unless it is required', async () => {
    const line = (options: string) =>
      `${BASE}\nRUN --mount=type=secret,id=nobody${options} ls /run/secrets 2>/dev/null || echo absent`;
    expect(output(await bench.build(line(''), { secret }))).toBe('absent\n');
    await expect(bench.build(line(',required'), { secret })).rejects.toMatchObject({
      code: 'not-found',
      message: 'secret nobody: not found',
      hint: 'Give it to the build: --secret id=nobody,src=FILE, or --secret id=nobody,env=NAME.',
      place: { ranges: [{ line: 2, column: 13 }] },
    });
    await expect(bench.build(line(',required=true'))).rejects.toMatchObject({ code: 'not-found' });
    expect(await bench.traces()).toEqual([]);
  });

  it('is no part of the key by its value, but whether an optional one is given is', async () => {
    const dockerfile = `${BASE}\nRUN --mount=type=secret,id=a cat /run/secrets/a 2>/dev/null | wc -c > /size`;
    expect(statuses(await bench.build(dockerfile, { secret: give({ a: 'first-value' }) }))).toEqual(['ran']);
    expect(statuses(await bench.build(dockerfile, { secret: give({ a: 'another value' }) }))).toEqual(['cached']);
    const without = await bench.build(dockerfile);
    expect(without.steps[0]).toMatchObject({
      status: 'ran',
      reason: 'what --mount=type=secret,id=a,target=/run/secrets/a shows changed',
    });
  });

  it('keeps what a command made with it in the project: an export leaves it out', async () => {
    const path = await mkdtemp(join(tmpdir(), 'slipway-export-'));
    try {
      const dockerfile = `${BASE}\nRUN echo plain > /plain\nRUN --mount=type=secret,id=t wc -c < /run/secrets/t > /size`;
      const given = { secret: give({ t: 'exported-not' }) };
      await bench.build(dockerfile, { ...given, cacheTo: [{ kind: 'local', path, mode: 'max' }] });
      const elsewhere = await bench.build(
        dockerfile,
        { ...given, cacheFrom: [{ kind: 'local', path }] },
        undefined,
        'elsewhere',
      );
      expect(statuses(elsewhere)).toEqual(['cached', 'ran']);
    } finally {
      await rm(path, { recursive: true });
    }
  });

  it('is in no log, error, record, layer, file or command line, even when a command prints it', async () => {
    const events: BuildEvent[] = [];
    const lines: string[] = [];
    const onEvent = (event: BuildEvent) => {
      events.push(event);
      if (event.kind === 'output') lines.push(...commandLines());
    };
    const value = 'zebra-crossing-7731';
    const failing = bench.build(
      `${BASE}\nRUN --mount=type=secret,id=t,env=T --mount=type=secret,id=t cat /run/secrets/t; echo "T is $T"; printf zebra-cross; sleep 0.2; echo ing-7731; sleep 0.2; exit 3`,
      { secret: give({ t: value }), onEvent },
    );
    const problem = await failing.catch((error: unknown) => error);
    expect(problem).toMatchObject({ exitCode: 3, hint: 'Its last lines:\n***T is ***\n***' });
    expect(events.flatMap((event) => (event.kind === 'output' ? [event.text] : [])).join('')).toBe(
      '***T is ***\n***\n',
    );
    const whole = `${BASE}\nRUN --mount=type=secret,id=t,env=T echo $T; touch /made`;
    await bench.build(whole, { secret: give({ t: value }), onEvent });
    expect(JSON.stringify([events, problem])).not.toContain(value);
    expect(lines.join('\n')).not.toContain(value);
    expect(await bench.anywhere(value)).toEqual([]);
  });
});

/** Files that hold a text, on the file system of the folder itself: what is mounted in it is left out. */
async function onDisk(folder: string, text: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    'find "$1" -xdev -type f -exec grep -l -- "$2" {} + || true',
    'sh',
    folder,
    text,
  ]);
  return stdout.split('\n').filter(Boolean);
}

function commandLines(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8')];
    } catch {
      return [];
    }
  });
}
