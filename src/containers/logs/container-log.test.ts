import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LogOptions } from '../containers.ts';
import { ContainerLog } from './container-log.ts';
import { readLog } from './read-log.ts';

const NEVER = new AbortController().signal;
const ALL: LogOptions = { stdout: true, stderr: true, follow: false, timestamps: false };

let folder: string;
let now = 1_700_000_000_000;
const clock = { now: () => now };
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'slipway-log-')), 'log');
  now = 1_700_000_000_000;
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(join(folder, '..'), { recursive: true });
});

const create = (rotation = { maxBytes: 0, files: 1 }) => ContainerLog.create(folder, rotation, clock);

async function shown(log: ContainerLog, options: Partial<LogOptions> = {}): Promise<string> {
  const parts: Buffer[] = [];
  const end = { until: () => log.end, signal: NEVER };
  for await (const part of readLog(log, { ...ALL, ...options }, true, end)) parts.push(part);
  return Buffer.concat(parts).toString();
}

const write = (log: ContainerLog, text: string, stream: 'stdout' | 'stderr' = 'stdout') =>
  log.append(stream, Buffer.from(text));

describe('the log of a container', () => {
  it('gives back what was written, also after a restart', async () => {
    const log = create();
    write(log, 'one\n');
    write(log, 'two\n', 'stderr');
    expect(await shown(log)).toBe('one\ntwo\n');
    await log.close();
    const again = await ContainerLog.open(folder, { maxBytes: 0, files: 1 }, clock);
    expect(await shown(again)).toBe('one\ntwo\n');
    write(again, 'three\n');
    expect(await shown(again, { stdout: true, stderr: false })).toBe('one\nthree\n');
    await again.close();
  });

  it('takes away what a crash cut off, and goes on behind it', async () => {
    const log = create();
    write(log, 'whole\n');
    await log.close();
    appendFileSync(join(folder, readdirSync(folder)[0] as string), Buffer.from([1, 0, 0, 0, 99, 0, 0, 0, 1, 2, 3]));
    const again = await ContainerLog.open(folder, { maxBytes: 0, files: 1 }, clock);
    write(again, 'more\n');
    await again.settle();
    expect(await shown(again)).toBe('whole\nmore\n');
    await again.close();
    expect(await shown(await ContainerLog.open(folder, { maxBytes: 0, files: 1 }, clock))).toBe('whole\nmore\n');
  });

  it('shows the last lines, however they were cut and whatever stood between', async () => {
    const log = create();
    write(log, 'a\nb');
    write(log, 'error\n', 'stderr');
    write(log, 'b\nlast');
    expect(await shown(log, { tail: 1 })).toBe('last');
    expect(await shown(log, { tail: 2 })).toBe('error\nlast');
    expect(await shown(log, { tail: 3 })).toBe('berror\nb\nlast');
    expect(await shown(log, { tail: 2, stderr: false })).toBe('bb\nlast');
    expect(await shown(log, { tail: 0 })).toBe('');
    expect(await shown(log, { tail: 99 })).toBe('a\nberror\nb\nlast');
    await log.close();
  });

  it('puts one time in front of every line, and chooses by it', async () => {
    const log = create();
    write(log, 'first\npart');
    now += 1000;
    write(log, ' of a line\nsecond\n');
    now += 1000;
    write(log, 'third\n');
    expect(await shown(log, { timestamps: true })).toBe(
      '2023-11-14T22:13:20.000000000Z first\n2023-11-14T22:13:20.000000000Z part of a line\n' +
        '2023-11-14T22:13:21.000000000Z second\n2023-11-14T22:13:22.000000000Z third\n',
    );
    expect(await shown(log, { since: now - 1000 })).toBe('second\nthird\n');
    expect(await shown(log, { until: now - 1500 })).toBe('first\npart of a line\n');
    await log.close();
  });

  it('frames what is no terminal', async () => {
    const log = create();
    write(log, 'out\n');
    write(log, 'err', 'stderr');
    const parts: Buffer[] = [];
    for await (const part of readLog(log, ALL, false, { until: () => log.end, signal: NEVER })) parts.push(part);
    expect(Buffer.concat(parts).toString('latin1')).toBe('\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x03err');
    await log.close();
  });

  it('rotates: the oldest goes, and readers who were there go on with what is left', async () => {
    const log = create({ maxBytes: 100_000, files: 2 });
    const late = log.reader(0, false);
    const line = `${'x'.repeat(999)}\n`;
    for (let i = 0; i < 3000; i++) {
      write(log, line);
      if (i % 100 === 0) await log.settle();
    }
    await log.settle();
    const kept = await shown(log);
    expect(kept.length).toBeGreaterThan(150_000);
    expect(kept.length).toBeLessThan(2_000_000);
    expect(log.first).toBeGreaterThan(0);
    expect((await late.next(() => log.end, NEVER))?.[0]?.position).toBeGreaterThan(0);
    await log.close();
    const again = await ContainerLog.open(folder, { maxBytes: 100_000, files: 2 }, clock);
    expect((await shown(again)).length).toBeLessThanOrEqual(270_000);
    expect(await shown(again, { tail: 3 })).toBe(line.repeat(3));
  });

  it('reads tails that lie in several files', async () => {
    const log = create({ maxBytes: 1 << 20, files: 4 });
    for (let i = 0; i < 4000; i++) {
      write(log, `${i} ${'y'.repeat(500)}\n`);
      if (i % 500 === 0) await log.settle();
    }
    expect((await shown(log, { tail: 2500 })).split(' ')[0]).toBe('1500');
    await log.close();
  });

  it('begins to read where a time lies, also in the middle of a line', async () => {
    const log = create({ maxBytes: 1 << 20, files: 100 });
    for (let i = 0; i < 40; i++) {
      now += 1000;
      write(log, `${i} ${'z'.repeat(50_000)}${i % 2 === 0 ? '' : '\n'}`);
    }
    await log.settle();
    expect(readdirSync(folder).length).toBe(1);
    for (let i = 40; i < 2000; i++) {
      now += 1000;
      write(log, `${i} ${'z'.repeat(50_000)}${i % 2 === 0 ? '' : '\n'}`);
      if (i % 50 === 0) await log.settle();
    }
    const late = await shown(log, { since: now - 3000 });
    expect(late.match(/\d+ /g)).toEqual(['1996 ', '1997 ', '1998 ', '1999 ']);
    expect(await shown(log, { since: now + 1 })).toBe('');
    await log.close();
  });

  it('may keep nothing; who is attached sees all of it all the same', async () => {
    const log = create({ maxBytes: 0, files: 0 });
    const client = log.reader(0, true);
    let seen = 0;
    const reading = (async () => {
      for (
        let records = await client.next(() => undefined, NEVER);
        records;
        records = await client.next(() => undefined, NEVER)
      )
        for (const { bytes } of records) seen += bytes.length;
    })();
    for (let i = 0; i < 30; i++) await log.append('stdout', Buffer.alloc(300_000, 'q'));
    await vi.waitFor(() => expect(seen).toBe(9_000_000));
    await log.close();
    await reading;
    client.close();
    expect(existsSync(folder)).toBe(false);
    expect(log.first).toBe(log.end);
  });

  it('wakes those who follow, and ends them where the run ended', async () => {
    const log = create();
    const seen: string[] = [];
    let end: number | undefined;
    const following = (async () => {
      for await (const part of readLog(log, { ...ALL, follow: true }, true, { until: () => end, signal: NEVER }))
        seen.push(part.toString());
    })();
    write(log, 'one');
    await vi.waitFor(() => expect(seen).toEqual(['one']));
    write(log, 'two');
    end = log.end;
    write(log, 'of the next run');
    log.wake();
    await following;
    expect(seen).toEqual(['one', 'two']);
    await log.close();
  });
});

describe('a container that writes faster than its client reads', () => {
  const megabyte = Buffer.alloc(1 << 20, 'z');

  it('waits for an attached client, and goes on when it took something', async () => {
    const log = create();
    const client = log.reader(0, true);
    expect(log.append('stdout', megabyte.subarray(100))).toBeUndefined();
    const held = log.append('stdout', megabyte);
    expect(held).toBeDefined();
    let free = false;
    void held?.then(() => {
      free = true;
    });
    await log.settle();
    expect(free).toBe(false);
    await client.next(() => undefined, NEVER);
    await client.next(() => undefined, NEVER);
    void client.next(() => undefined, NEVER); // whoever asks for more took what it had
    await held;
    client.close();
    await log.close();
  });

  it('does not wait for one that only follows the log', async () => {
    const log = create();
    log.reader(0, false);
    log.append('stdout', megabyte);
    expect(log.append('stdout', megabyte)).toBeUndefined();
    await log.close();
  });

  it('goes on without one that takes nothing for ten seconds, who misses nothing all the same', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const log = create();
    const client = log.reader(0, true);
    log.append('stdout', megabyte);
    const held = log.append('stdout', megabyte);
    expect(held).toBeDefined();
    vi.advanceTimersByTime(10_100);
    await held;
    expect(log.append('stdout', megabyte)).toBeUndefined();
    await log.settle();
    let bytes = 0;
    for (;;) {
      const records = await client.next(() => log.end, NEVER);
      if (records === undefined) break;
      for (const record of records) bytes += record.bytes.length;
    }
    expect(bytes).toBe(3 << 20);
    client.close();
    await log.close();
  });
});
