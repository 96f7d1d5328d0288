import { expect, it } from 'vitest';
import type { BuildEvent } from './events.ts';
import { PlainProgress } from './plain-progress.ts';

function shown(events: [ms: number, event: BuildEvent][]): string {
  let text = '';
  let now = 0;
  const progress = new PlainProgress(
    (part) => {
      text += part;
    },
    () => now,
  );
  for (const [ms, event] of events) {
    now = ms;
    progress.listen(event);
  }
  return text;
}

it("writes BuildKit's lines", () => {
  expect(
    shown([
      [0, { kind: 'vertex', id: 1, name: '[internal] load build definition from Dockerfile' }],
      [0, { kind: 'note', id: 1, text: 'transferring dockerfile: 157B done' }],
      [2, { kind: 'end', id: 1, ms: 2, status: 'done' }],
      [5, { kind: 'vertex', id: 2, name: '[1/2] FROM docker.io/library/base:1' }],
      [5, { kind: 'end', id: 2, ms: 0, status: 'cached' }],
      [10, { kind: 'vertex', id: 3, name: '[2/2] RUN echo out' }],
      [60, { kind: 'output', id: 3, stream: 'stdout', text: 'out\nhalf ' }],
      [70, { kind: 'output', id: 3, stream: 'stdout', text: 'line\n' }],
      [110, { kind: 'end', id: 3, ms: 100, status: 'done' }],
    ]),
  ).toBe(`#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 157B done
#1 DONE 0.0s

#2 [1/2] FROM docker.io/library/base:1
#2 CACHED

#3 [2/2] RUN echo out
#3 0.050 out
#3 0.060 half line
#3 DONE 0.1s
`);
});

it('repeats the last lines of what failed, with a last one that had no end', () => {
  expect(
    shown([
      [0, { kind: 'vertex', id: 1, name: '[2/2] RUN false' }],
      [10, { kind: 'output', id: 1, stream: 'stderr', text: 'no newline' }],
      [20, { kind: 'end', id: 1, ms: 20, status: 'error', reason: 'exit code: 1' }],
    ]),
  ).toBe(`#1 [2/2] RUN false
#1 0.020 no newline
#1 ERROR: exit code: 1
------
 > [2/2] RUN false:
0.020 no newline
------
`);
});

it('keeps vertices that speak at the same time apart', () => {
  expect(
    shown([
      [0, { kind: 'vertex', id: 1, name: 'a' }],
      [0, { kind: 'vertex', id: 2, name: 'b' }],
      [0, { kind: 'note', id: 1, text: 'x' }],
      [0, { kind: 'end', id: 2, ms: 0, status: 'cancelled' }],
    ]),
  ).toBe('#1 a\n\n#2 b\n\n#1 x\n\n#2 CANCELED\n');
});
