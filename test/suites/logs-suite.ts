import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogReader, LogStore } from '../../src/stores/logs/logs.ts';

export interface OpenLogs {
  store: LogStore;
  /** The same logs as another process sees them. */
  elsewhere: LogReader;
  /** Leaves half a line at the end of the log, as a killed process does. */
  tear(id: string, text: string): Promise<void>;
  close(): Promise<void>;
}

const ID = '06f72b2e-3782-43c7-8a2e-f4383e89d570';

/** What every implementation of LogStore promises. */
export function logsSuite(name: string, open: () => Promise<OpenLogs>): void {
  describe(`log store: ${name}`, () => {
    let logs: OpenLogs;
    let store: LogStore;
    beforeEach(async () => {
      logs = await open();
      store = logs.store;
    });
    afterEach(() => logs.close());

    it('knows no log before the first writer', async () => {
      expect(await store.info(ID)).toBeUndefined();
      expect(await store.read(ID, 0, 10)).toEqual(Buffer.alloc(0));
      expect(await store.info('../token')).toBeUndefined();
    });

    it('shows whole lines only until the log is closed', async () => {
      const writer = store.writer(ID);
      writer.append('starting build\nFETCH');
      await turn();
      expect(await logs.elsewhere.info(ID)).toMatchObject({ readable: 15, closed: false });
      expect((await logs.elsewhere.read(ID, 0, 1000)).toString()).toBe('starting build\n');
      writer.append('SOURCE\n');
      writer.append('half');
      await writer.close();
      expect(await logs.elsewhere.info(ID)).toMatchObject({ readable: 32, closed: true });
      expect((await logs.elsewhere.read(ID, 15, 1000)).toString()).toBe('FETCHSOURCE\nhalf\n');
    });

    it('finds the last newline behind a very long unfinished line', async () => {
      const writer = store.writer(ID);
      writer.append(`first\n${'ä'.repeat(100_000)}`);
      expect(await store.info(ID)).toMatchObject({ readable: 6 });
      await writer.close();
      expect(await store.info(ID)).toMatchObject({ readable: 6 + 200_000 + 1 });
    });

    it('follows in order, from any line, to the end', async () => {
      const writer = store.writer(ID);
      writer.append('one\n');
      const followed = collect(logs.elsewhere.follow(ID, 4));
      const expected: string[] = [];
      for (let line = 0; line < 200; line++) {
        expected.push(`line ${line}\n`);
        writer.append(`line ${line}\n`);
        if (line % 50 === 0) await turn();
      }
      await writer.close();
      expect(await followed).toBe(expected.join(''));
    });

    it('tells a follower of a new line and of the end within a fraction of a second', async () => {
      const writer = store.writer(ID);
      writer.append('one\n');
      const lines = logs.elsewhere.follow(ID, 0)[Symbol.asyncIterator]();
      expect((await lines.next()).value?.toString()).toBe('one\n');
      const waiting = lines.next();
      const began = Date.now();
      writer.append('two\n');
      expect((await waiting).value?.toString()).toBe('two\n');
      await writer.close();
      expect((await lines.next()).done).toBe(true);
      expect(Date.now() - began).toBeLessThan(1000);
    });

    it('waits for a log that has not begun', async () => {
      const followed = collect(logs.elsewhere.follow(ID, 0));
      await turn();
      const writer = store.writer(ID);
      writer.append('late\n');
      await writer.close();
      expect(await followed).toBe('late\n');
    });

    it('ends a follower on abort and when the log is removed', async () => {
      const writer = store.writer(ID);
      writer.append('one\n');
      const abort = new AbortController();
      const followed = collect(logs.elsewhere.follow(ID, 0, abort.signal));
      const other = collect(logs.elsewhere.follow(ID, 0));
      await turn();
      abort.abort();
      expect(await followed).toMatch(/^(one\n)?$/);
      setTimeout(() => void store.remove(ID), 50);
      expect(await other).toBe('one\n');
      await writer.close();
    });

    it('continues what a killed process left, on a line of its own', async () => {
      await logs.tear(ID, 'whole\nhal');
      expect(await store.info(ID)).toMatchObject({ readable: 6, closed: false });
      const writer = store.writer(ID);
      writer.append('ERROR: the build was killed\n');
      await writer.close();
      expect((await store.read(ID, 0, 1000)).toString()).toBe('whole\nhal\nERROR: the build was killed\n');
    });

    it('opens a closed log again and closes it again', async () => {
      await store.writer(ID).close();
      const writer = store.writer(ID);
      expect(await store.info(ID)).toMatchObject({ closed: false });
      writer.append('more\n');
      await writer.close();
      await writer.close();
      expect(await store.info(ID)).toMatchObject({ closed: true, readable: 5 });
    });

    it('refuses an id that is no file name', () => {
      for (const id of ['', '../x', 'a/b', '.', 'x\n']) expect(() => store.writer(id)).toThrow('not a build id');
    });
  });
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk.toString();
  return text;
}

/** One turn of the event loop, after which appended lines are in the file. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
