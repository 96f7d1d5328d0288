import { expect, it } from 'vitest';
import { LiveLines, type ScreenLine } from '../../../src/cli/progress/live-lines.ts';
import { Screen } from './screen.ts';

const line = (text: string): ScreenLine => ({ text, styled: `\u001b[34m${text}\u001b[0m` });

function open(columns: number, rows: number) {
  const screen = new Screen(columns, rows);
  const size = { columns, rows };
  const written: string[] = [];
  const live = new LiveLines(
    (text) => {
      written.push(text);
      screen.write(text);
    },
    () => ({ ...size }),
  );
  screen.write('$ slipway build .\n');
  return {
    screen,
    live,
    written,
    resize: (to: { columns: number; rows: number }) => {
      Object.assign(size, to);
      screen.resize(to.columns, to.rows);
    },
  };
}

it('draws in place, also when there are more lines, or fewer', () => {
  const { screen, live, written } = open(40, 10);
  live.draw(['one', 'two'].map(line));
  live.draw(['one', 'two', 'three'].map(line));
  live.draw(['one!', 'three'].map(line));
  expect(screen.lines).toEqual(['$ slipway build .', 'one!', 'three', '']);
  live.draw(['one!', 'three'].map(line));
  expect(written.at(-1)).not.toContain('three');
});

it('leaves what stands above alone when the terminal becomes narrower or wider', () => {
  const { screen, live, resize } = open(60, 20);
  live.draw(['x'.repeat(59), '日本語'.repeat(9), 'short'].map(line));
  resize({ columns: 25, rows: 20 });
  live.draw(['a', 'b'].map(line));
  expect(screen.lines).toEqual(['$ slipway build .', 'a', 'b', '']);
  resize({ columns: 90, rows: 20 });
  live.draw(['y'.repeat(89), 'b'].map(line));
  expect(screen.lines).toEqual(['$ slipway build .', 'y'.repeat(89), 'b', '']);
});

it('ends with a picture that may be longer than the screen', () => {
  const { screen, live } = open(40, 6);
  live.draw(['1', '2', '3', '4'].map(line));
  const all = Array.from({ length: 30 }, (_, i) => `line ${i}`);
  live.draw(all.map(line));
  live.leave();
  screen.write('sha256:abc\n');
  expect(screen.lines).toEqual(['$ slipway build .', ...all, 'sha256:abc', '']);
});
