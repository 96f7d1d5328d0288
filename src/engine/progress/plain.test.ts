import { expect, it } from 'vitest';
import type { BuildEvent } from '../events.ts';
import { PlainProgress } from './plain.ts';

function shown(events: [ms: number, event: BuildEvent][]): string {
  let text = '';
  let now = 0;
  const progress = new PlainProgress(
    (part) => {
      text += part;
    },
    { now: () => now },
  );
  for (const [ms, event] of events) {
    now = ms;
    progress.listen(event);
  }
  progress.finish();
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

it('lets one speak at a time: what others say waits for its end, or comes when they end', () => {
  expect(
    shown([
      [0, { kind: 'vertex', id: 1, name: 'a' }],
      [0, { kind: 'vertex', id: 2, name: 'b' }],
      [0, { kind: 'vertex', id: 3, name: 'c' }],
      [0, { kind: 'output', id: 1, stream: 'stdout', text: 'x\n' }],
      [1, { kind: 'output', id: 2, stream: 'stdout', text: 'hidden\n' }],
      [2, { kind: 'output', id: 1, stream: 'stdout', text: 'y\n' }],
      [3, { kind: 'end', id: 2, ms: 3, status: 'done' }],
      [4, { kind: 'output', id: 1, stream: 'stdout', text: 'z\n' }],
      [5, { kind: 'end', id: 1, ms: 5, status: 'done' }],
      [6, { kind: 'end', id: 3, ms: 6, status: 'cancelled' }],
    ]),
  ).toBe(
    '#1 a\n#1 0.000 x\n#1 0.002 y\n#1 ...\n\n#2 b\n#2 0.001 hidden\n#2 DONE 0.0s\n\n#1 a\n#1 0.004 z\n#1 DONE 0.0s\n\n#3 c\n#3 CANCELED\n',
  );
});

it('gives the floor away after some seconds of silence, and to whoever waits long; what never ended was cancelled', () => {
  const quiet: [number, BuildEvent][] = [
    [0, { kind: 'vertex', id: 1, name: 'a' }],
    [0, { kind: 'vertex', id: 2, name: 'b' }],
    [100, { kind: 'output', id: 2, stream: 'stdout', text: 'one\n' }],
    [4900, { kind: 'output', id: 2, stream: 'stdout', text: 'two\n' }],
    [5100, { kind: 'output', id: 2, stream: 'stdout', text: 'three\n' }],
  ];
  expect(shown(quiet)).toBe(
    '#1 a\n#1 ...\n\n#2 b\n#2 0.100 one\n#2 4.900 two\n#2 5.100 three\n#2 CANCELED\n\n#1 a\n#1 CANCELED\n',
  );
  const loud: [number, BuildEvent][] = Array.from({ length: 120 }, (_, i) => [
    i * 100,
    { kind: 'output', id: 1, stream: 'stdout', text: '.\n' },
  ]);
  const said: BuildEvent = { kind: 'output', id: 2, stream: 'stdout', text: 'x\n' };
  const both = [...quiet.slice(0, 2), ...loud.toSpliced(1, 0, [50, said])] as [number, BuildEvent][];
  expect(shown(both)).toMatch(/#1 10\.100 \.\n#1 \.\.\.\n\n#2 b\n#2 0\.050 x\n/);
});

it('writes bytes on their way now and then, and always their end', () => {
  const at = (current: number, done = false): BuildEvent => ({
    kind: 'status',
    id: 1,
    item: 'sha256:abc',
    current,
    total: 28_566_340,
    done,
  });
  expect(
    shown([
      [0, { kind: 'vertex', id: 1, name: '[1/1] FROM base' }],
      [0, at(0)],
      [50, at(65_536)],
      [200, at(3_400_000)],
      [210, at(3_500_000)],
      [900, at(28_566_340, true)],
      [900, { kind: 'status', id: 1, item: 'extracting sha256:abc', current: 0, done: true }],
      [900, { kind: 'end', id: 1, ms: 900, status: 'done' }],
    ]),
  ).toBe(`#1 [1/1] FROM base
#1 sha256:abc 0B / 28.57MB
#1 sha256:abc 3.40MB / 28.57MB 0.2s
#1 sha256:abc 28.57MB / 28.57MB 0.9s done
#1 extracting sha256:abc done
#1 DONE 0.9s
`);
});

it('counts the warnings at the end', () => {
  const place = { file: 'Dockerfile', ranges: [{ line: 2, column: 1, endLine: 2, endColumn: 5 }] };
  const warning: BuildEvent = {
    kind: 'warning',
    rule: 'UndefinedVar',
    message: "Usage of undefined variable '$X'",
    place,
  };
  expect(
    shown([
      [0, { kind: 'vertex', id: 1, name: 'a' }],
      [0, warning],
      [1, { kind: 'end', id: 1, ms: 1, status: 'done' }],
    ]),
  ).toBe("#1 a\n#1 DONE 0.0s\n\n 1 warning found:\n - UndefinedVar: Usage of undefined variable '$X' (line 2)\n");
});
