import { expect, it } from 'vitest';
import { StatusFeed } from './status-feed.ts';

async function heard(feed: StatusFeed, signal = new AbortController().signal): Promise<string[]> {
  const texts: string[] = [];
  for await (const message of feed.listen(signal)) texts.push(Buffer.from(message).toString());
  return texts;
}

it('gives the first listener what came before it, every listener what comes, and ends', async () => {
  const feed = new StatusFeed();
  feed.tell(Buffer.from('early'));
  const first = heard(feed);
  await new Promise((resolve) => setImmediate(resolve));
  const second = heard(feed);
  await new Promise((resolve) => setImmediate(resolve));
  feed.tell(Buffer.from('late'));
  feed.end();
  expect(await first).toEqual(['early', 'late']);
  expect(await second).toEqual(['late']);
  expect(await heard(feed)).toEqual([]);
});

it('lets a listener go when it wants to', async () => {
  const stop = new AbortController();
  const listening = heard(new StatusFeed(), stop.signal);
  setImmediate(() => stop.abort());
  expect(await listening).toEqual([]);
});

it('keeps no more than some megabytes for a client that does not read', async () => {
  const feed = new StatusFeed();
  for (let n = 0; n < 100; n++) feed.tell(new Uint8Array(1 << 20));
  feed.end();
  expect((await heard(feed)).length).toBeLessThan(40);
});
