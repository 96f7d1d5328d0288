import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Screen } from './screen.ts';

const ROOT = join(import.meta.dirname, '../../..');
const MAIN = [
  process.execPath,
  '--import',
  join(ROOT, 'node_modules/tsx/dist/esm/index.mjs'),
  join(ROOT, 'src/start/main.ts'),
];

export const hasScript = existsSync('/usr/bin/script');

export interface TerminalOptions {
  columns: number;
  rows: number;
  env: NodeJS.ProcessEnv;
  /** Typed when the output has this text. */
  type?: { after: string; keys: string };
  /** The terminal's new size when the output has this text. */
  resize?: { after: string; columns: number; rows: number };
}

export interface TerminalRun {
  code: number;
  /** Bytes as the terminal got them. */
  raw: string;
  screen: Screen;
  /** Milliseconds between the first and the last byte. */
  ms: number;
}

/** The command line on a real pseudo terminal of that size. */
export async function inTerminal(args: readonly string[], options: TerminalOptions): Promise<TerminalRun> {
  const { columns, rows, env, type, resize } = options;
  const command = [...MAIN, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const size = (to: { columns: number; rows: number }) => `stty rows ${to.rows} cols ${to.columns}`;
  const child = spawn(
    '/usr/bin/script',
    ['-qec', `${size({ columns, rows })} -echo; tty; exec ${command}`, '/dev/null'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env,
    },
  );
  const screen = new Screen(columns, rows);
  const text = new TextDecoder();
  let raw = '';
  let line: string | undefined;
  let first = 0;
  let last = 0;
  let typed = false;
  let resized = false;
  child.stdout.on('data', (chunk: Buffer) => {
    last = performance.now();
    first ||= last;
    let shown = text.decode(chunk, { stream: true });
    if (line === undefined) {
      // the first line names the terminal
      [line] = shown.split('\r\n');
      shown = shown.slice((line?.length ?? 0) + 2);
    }
    raw += shown;
    screen.write(shown);
    if (type !== undefined && !typed && raw.includes(type.after)) {
      typed = true;
      child.stdin.write(type.keys);
    }
    if (resize !== undefined && !resized && raw.includes(resize.after)) {
      resized = true;
      screen.resize(resize.columns, resize.rows);
      spawn('stty', ['-F', line ?? '', 'rows', String(resize.rows), 'cols', String(resize.columns)]);
    }
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 128));
  });
  return { code, raw, screen, ms: last - first };
}
