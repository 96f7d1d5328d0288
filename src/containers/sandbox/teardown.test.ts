import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Teardown } from './teardown.ts';

/** What was begun and ended, in order. */
function recorded() {
  const teardown = new Teardown();
  const seen: string[] = [];
  const step = (what: string, ms: number) => async () => {
    seen.push(`${what} begins`);
    await sleep(ms);
    seen.push(`${what} ends`);
  };
  return { teardown, seen, step };
}

describe('taking a container down', () => {
  it('goes back the way it was made', async () => {
    const { teardown, seen, step } = recorded();
    teardown.add('folder', step('folder', 1));
    teardown.add('mount', step('mount', 1));
    await teardown.run();
    expect(seen).toEqual(['mount begins', 'mount ends', 'folder begins', 'folder ends']);
  });

  it('ends processes before anything that they use, and removes the folder after all that lies in it', async () => {
    const { teardown, seen, step } = recorded();
    teardown.add('folder', step('folder', 1));
    teardown.addBeside('mount', step('mount', 15));
    teardown.addBeside('network', step('network', 1));
    teardown.add('processes', step('processes', 1));
    await teardown.run();
    expect(seen).toEqual([
      'processes begins',
      'processes ends',
      'network begins',
      'mount begins',
      'network ends',
      'mount ends',
      'folder begins',
      'folder ends',
    ]);
  });

  it('does every step, whatever the others did', async () => {
    const { teardown, seen, step } = recorded();
    teardown.add('folder', step('folder', 1));
    teardown.addBeside('mount', () => Promise.reject(new Error('busy')));
    teardown.addBeside('network', step('network', 1));
    await teardown.run();
    expect(seen).toEqual(['network begins', 'network ends', 'folder begins', 'folder ends']);
  });
});
