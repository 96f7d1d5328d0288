import { expect, it } from 'vitest';
import { SharedWork } from './shared-work.ts';

/** Work that ends when it is told to, or a while after it was cancelled, as a download does. */
function slowWork() {
  let runs = 0;
  let finish: (value: string) => void = () => undefined;
  return {
    get runs() {
      return runs;
    },
    finish: (value: string) => finish(value),
    work: (signal: AbortSignal) => {
      runs++;
      return new Promise<string>((resolve, reject) => {
        finish = resolve;
        signal.addEventListener('abort', () => setTimeout(() => reject(new Error('the work was cancelled')), 20));
      });
    },
  };
}

it('is done once for all who want it, and goes on while one of them does', async () => {
  const shared = new SharedWork<string, string>();
  const slow = slowWork();
  const first = new AbortController();
  const gone = shared.do('a', first.signal, slow.work);
  const stays = shared.do('a', new AbortController().signal, slow.work);
  first.abort();
  await expect(gone).rejects.toMatchObject({ code: 'cancelled' });
  slow.finish('done');
  expect(await stays).toBe('done');
  expect(slow.runs).toBe(1);
});

it('is begun anew by whoever comes while a cancelled one still ends', async () => {
  const shared = new SharedWork<string, string>();
  const slow = slowWork();
  const first = new AbortController();
  const gone = shared.do('a', first.signal, slow.work);
  first.abort();
  await expect(gone).rejects.toMatchObject({ code: 'cancelled' });
  const next = shared.do('a', new AbortController().signal, slow.work);
  slow.finish('done');
  expect(await next).toBe('done');
  expect(slow.runs).toBe(2);
  // the end of the first one must not hide the second from the third
  const second = shared.do('b', new AbortController().signal, slow.work);
  slow.finish('again');
  expect(await second).toBe('again');
});
