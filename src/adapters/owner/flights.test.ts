import { describe, expect, it } from 'vitest';
import { FlightControl } from './flights.ts';

/** What has begun, in order. */
function watch() {
  const begun: string[] = [];
  const note = (name: string) => () => void begun.push(name);
  return { begun, note, settle: () => new Promise((resolve) => setImmediate(resolve)) };
}

describe('flights', () => {
  it('lets one in and the others wait in the order in which they came', async () => {
    const flights = new FlightControl().of();
    const { begun, note, settle } = watch();
    await flights.acquire('k', 'a');
    void flights.acquire('k', 'b').then(note('b'));
    void flights.acquire('k', 'c').then(note('c'));
    await settle();
    expect(begun).toEqual([]);
    await flights.release('k', 'a');
    await settle();
    expect(begun).toEqual(['b']);
    await flights.release('k', 'b');
    await settle();
    expect(begun).toEqual(['b', 'c']);
  });

  it('never makes keys wait for each other', async () => {
    const flights = new FlightControl().of();
    await flights.acquire('k1', 'a');
    await flights.acquire('k2', 'b');
  });

  it('gives up a wait when its holder releases', async () => {
    const control = new FlightControl();
    const flights = control.of();
    await flights.acquire('k', 'a');
    const waiting = flights.acquire('k', 'b');
    await flights.release('k', 'b');
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await flights.release('k', 'a');
    expect(control.size).toBe(0);
  });

  it('ends everything of a process that has gone, held and waited for', async () => {
    const control = new FlightControl();
    const mine = control.of();
    const gone = new AbortController();
    const theirs = control.of(gone.signal);
    const { begun, note, settle } = watch();
    await theirs.acquire('k1', 'x');
    await mine.acquire('k2', 'a');
    theirs.acquire('k2', 'x').catch(note('x refused'));
    theirs.acquire('k1', 'x').catch(note('x never gets it'));
    void mine.acquire('k1', 'a').then(note('a has k1'));
    gone.abort();
    await settle();
    expect(begun).toContain('a has k1');
    expect(begun).toContain('x refused');
    await expect(theirs.acquire('k3', 'x')).rejects.toMatchObject({ code: 'cancelled' });
    await mine.release('k1', 'a');
    await mine.release('k2', 'a');
    expect(control.size).toBe(0);
  });

  it('takes no key from a holder of the same name in another process', async () => {
    const control = new FlightControl();
    const mine = control.of();
    await mine.acquire('k', 'solver');
    await control.of(new AbortController().signal).release('k', 'solver');
    expect(control.size).toBe(1);
  });
});
