import { fromBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import type { BuildEvent } from '../../../engine/events.ts';
import { StatusResponseSchema } from './gen/trace_pb.ts';
import { Trace } from './trace.ts';

function told(events: BuildEvent[]) {
  const messages: Uint8Array[] = [];
  let now = 1_700_000_000_000;
  const trace = new Trace(
    (message) => messages.push(message),
    () => ++now,
  );
  for (const event of events) trace.listen(event);
  trace.finish();
  return messages.map((message) => fromBinary(StatusResponseSchema, message));
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

it('tells of vertices from their beginning to their end', () => {
  const [status, ...more] = told([
    { kind: 'vertex', id: 1, name: '[1/3] FROM base' },
    { kind: 'end', id: 1, ms: 0, status: 'cached' },
    { kind: 'vertex', id: 2, name: '[2/3] RUN a' },
    { kind: 'output', id: 2, stream: 'stderr', text: 'zażółć\n' },
    { kind: 'end', id: 2, ms: 1, status: 'error', reason: 'exit code: 1' },
    { kind: 'vertex', id: 3, name: '[3/3] RUN b' },
    { kind: 'end', id: 3, ms: 1, status: 'cancelled' },
    { kind: 'vertex', id: 4, name: 'left alone' },
  ]);
  expect(more).toEqual([]);
  expect(
    status?.vertexes.map(({ name, cached, error, completed }) => [name, cached, error, completed !== undefined]),
  ).toEqual([
    ['[1/3] FROM base', true, '', true],
    ['[2/3] RUN a', false, 'exit code: 1', true],
    ['[3/3] RUN b', false, 'context canceled', true],
    ['left alone', false, 'context canceled', true],
  ]);
  expect(new Set(status?.vertexes.map(({ digest }) => digest)).size).toBe(4);
  expect(status?.vertexes[0]?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  const [log] = status?.logs ?? [];
  expect([log?.vertex, log?.stream, text(log?.msg)]).toEqual([status?.vertexes[1]?.digest, 2n, 'zażółć\n']);
});

it('counts bytes on their way from their first report, and takes words for what is done', () => {
  const [status] = told([
    { kind: 'vertex', id: 1, name: '[1/1] FROM base' },
    { kind: 'note', id: 1, text: 'transferring dockerfile: 12B done' },
    { kind: 'status', id: 1, item: 'sha256:a', current: 0, total: 10, done: false },
    { kind: 'status', id: 1, item: 'sha256:a', current: 10, total: 10, done: true },
  ]);
  const [words, first, last] = status?.statuses ?? [];
  expect([words?.id, words?.completed !== undefined]).toEqual(['transferring dockerfile: 12B', true]);
  expect([first?.current, first?.total, first?.completed]).toEqual([0n, 10n, undefined]);
  expect([last?.current, last?.started]).toEqual([10n, first?.started]);
  expect(last?.completed).toBeDefined();
});

it('ends what is on its way with its vertex, which else would never end for the client', () => {
  const [status] = told([
    { kind: 'vertex', id: 1, name: 'x' },
    { kind: 'status', id: 1, item: 'sha256:a', current: 5, total: 10, done: false },
    { kind: 'end', id: 1, ms: 1, status: 'error', reason: 'lost' },
  ]);
  expect(status?.statuses.map(({ current, completed }) => [current, completed !== undefined])).toEqual([
    [5n, false],
    [5n, true],
  ]);
});

it('takes other words for output', () => {
  const [status] = told([
    { kind: 'vertex', id: 1, name: '[1/1] RUN x' },
    { kind: 'note', id: 1, text: 'not cached: ARG V changed: 1 -> 2' },
    { kind: 'end', id: 1, ms: 1, status: 'done' },
  ]);
  expect(status?.statuses).toEqual([]);
  expect(status?.logs.map(({ msg }) => text(msg))).toEqual(['not cached: ARG V changed: 1 -> 2\n']);
});

it("makes the image's names part of its export", () => {
  const [status] = told([
    { kind: 'vertex', id: 1, name: 'exporting to image' },
    { kind: 'note', id: 1, text: 'writing image sha256:a done' },
    { kind: 'end', id: 1, ms: 1, status: 'done' },
    { kind: 'vertex', id: 2, name: 'naming to docker.io/library/a:1' },
    { kind: 'end', id: 2, ms: 0, status: 'done' },
  ]);
  expect(status?.vertexes.map(({ name, error }) => [name, error])).toEqual([['exporting to image', '']]);
  expect(status?.statuses.map(({ id }) => id)).toEqual(['writing image sha256:a', 'naming to docker.io/library/a:1']);
});

it('shows warnings with their lines', () => {
  const [status] = told([
    { kind: 'vertex', id: 1, name: '[internal] load build definition from Dockerfile' },
    {
      kind: 'warning',
      rule: 'UndefinedVar',
      message: "Usage of undefined variable '$X'",
      place: {
        file: 'Dockerfile',
        text: 'FROM a\nENV B=$X\n',
        ranges: [{ line: 2, column: 7, endLine: 2, endColumn: 9 }],
      },
    },
  ]);
  const [warning] = status?.warnings ?? [];
  expect(text(warning?.short)).toBe("UndefinedVar: Usage of undefined variable '$X' (line 2)");
  expect(warning?.vertex).toBe(status?.vertexes[0]?.digest);
  expect([warning?.info?.filename, text(warning?.info?.data)]).toEqual(['Dockerfile', 'FROM a\nENV B=$X\n']);
  expect(warning?.ranges).toMatchObject([{ start: { line: 2, character: 6 }, end: { line: 2, character: 8 } }]);
});
