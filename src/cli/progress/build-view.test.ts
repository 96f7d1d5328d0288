import { describe, expect, it } from 'vitest';
import type { BuildEvent } from '../../engine/events.ts';
import { BuildView } from './build-view.ts';
import { paintWith } from './paint.ts';
import { textWidth } from './text-width.ts';

const SIZE = { columns: 60, rows: 24 };
const none = paintWith(false);

function viewOf(events: [ms: number, event: BuildEvent][]): BuildView {
  const view = new BuildView(0);
  for (const [ms, event] of events) view.add(event, ms);
  return view;
}

const begun = (id: number, name: string): BuildEvent => ({ kind: 'vertex', id, name });
const said = (id: number, text: string): BuildEvent => ({ kind: 'output', id, stream: 'stdout', text });
const ended = (id: number, status: 'done' | 'cached' | 'error' = 'done'): BuildEvent => ({
  kind: 'end',
  id,
  ms: 1234,
  status,
});
const texts = (view: BuildView, size = SIZE, now = 2000, word?: string) =>
  view.lines(size, now, none, word).map(({ text }) => text.trimEnd());

describe('the picture of a build', () => {
  it('has a line for each vertex, and the last lines of what runs', () => {
    const output = Array.from({ length: 9 }, (_, i) => `line ${i}\n`).join('');
    const view = viewOf([
      [0, begun(1, '[1/3] FROM base')],
      [0, ended(1, 'cached')],
      [500, begun(2, '[2/3] RUN make')],
      [600, said(2, `${output}half`)],
    ]);
    expect(texts(view)).toEqual([
      '[+] Building 2.0s (1/2)',
      ' => CACHED [1/3] FROM base                             1.2s',
      ' => [2/3] RUN make                                     1.5s',
      ...['line 4', 'line 5', 'line 6', 'line 7', 'line 8', 'half'].map((text) => ` => => # ${text}`),
    ]);
    view.add(ended(2, 'error'), 1700);
    expect(texts(view, SIZE, 1800, 'FAILED')).toEqual([
      '[+] Building 1.8s (2/2) FAILED',
      ' => CACHED [1/3] FROM base                             1.2s',
      ' => ERROR [2/3] RUN make                               1.2s',
    ]);
  });

  it('shows how far a layer is, how fast it comes, and no bar where there is no room', () => {
    const status = (current: number): BuildEvent => ({
      kind: 'status',
      id: 1,
      item: `sha256:5f70bf18a086${'0'.repeat(52)}`,
      current,
      total: 28_600_000,
      done: false,
    });
    const view = viewOf([
      [0, begun(1, 'a')],
      [0, status(0)],
      [1000, status(14_300_000)],
    ]);
    expect(texts(view, { columns: 80, rows: 24 }, 1000)[2]).toBe(
      ' => => 5f70bf18a086 [==========>         ] 14.3 MB / 28.6 MB 14.3 MB/s',
    );
    expect(texts(view, { columns: 50, rows: 24 }, 1000)[2]).toBe(' => => 5f70bf18a086 14.3 MB / 28.6 MB 14.3 MB/s');
  });

  it('fits every screen: what runs, then what it says, then what ended last', () => {
    const many = Array.from({ length: 40 }, (_, i): [number, BuildEvent][] => [
      [0, begun(i + 1, `[${i + 1}/42] COPY 日本語のファイル${i} /somewhere/else`)],
      [0, ended(i + 1)],
    ]).flat();
    const view = viewOf([
      ...many,
      [0, begun(41, '[41/42] RUN one')],
      [0, begun(42, '[42/42] RUN two')],
      [1, said(41, 'a\nb\nc\nd\n')],
      [1, said(42, '语言\u001b[31m\u001b[5Bred\u001b[0m\n')],
    ]);
    for (const size of [SIZE, { columns: 40, rows: 10 }, { columns: 20, rows: 4 }, { columns: 8, rows: 2 }]) {
      const lines = view.lines(size, 5000, none);
      expect(lines.length).toBeLessThan(size.rows);
      for (const { text } of lines) expect(textWidth(text)).toBeLessThan(size.columns);
    }
    expect(texts(view, { columns: 40, rows: 10 }, 5000)).toEqual([
      '[+] Building 5.0s (40/42)',
      ' => [39/42] COPY 日本語のファイル… 1.2s',
      ' => [40/42] COPY 日本語のファイル… 1.2s',
      ' => [41/42] RUN one                5.0s',
      ' => => # c',
      ' => => # d',
      ' => [42/42] RUN two                5.0s',
      ' => => # 语言red',
    ]);
    expect(texts(view, SIZE, 5000, 'FINISHED')).toHaveLength(43);
  });

  it('colours lines only where colours are wanted, and says the same without', () => {
    const view = viewOf([
      [0, begun(1, 'a')],
      [0, ended(1, 'error')],
    ]);
    const [, line] = view.lines(SIZE, 0, paintWith(true));
    expect(line?.styled).toBe(`\u001b[31m${line?.text}\u001b[0m`);
    expect(line?.text).toContain('ERROR a');
  });
});
