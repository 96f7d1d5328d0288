import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '../../lib/run.ts';
import { findPerl, terminalKeeper } from './terminal-keeper.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-keeper-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  ['perl', findPerl()],
  ['Node', undefined],
])('the keeper in %s', (name, perl) => {
  const file = join(folder, name);
  /** What the command starts goes on when the command has ended, as runc's does. */
  const keep = async (program: string, end = '') => {
    const script = `sh -c 'sleep 0.1; ${program}' > /dev/null & echo $! > ${file}; (sleep 0.01 &); ${end}`;
    const [command = '', ...args] = terminalKeeper(file, perl);
    return (await run(command, [...args, 'sh', '-c', script])).code;
  };

  test.skipIf(name === 'perl' && perl === undefined)('has the exit code of the program that was left', async () => {
    expect(await keep('exit 7')).toBe(7);
    expect(await keep('exit 0')).toBe(0);
    expect(await keep('kill -9 $$')).toBe(137);
  });

  test.skipIf(name === 'perl' && perl === undefined)('has the exit code of a command that failed', async () => {
    expect(await keep('exit 7', 'exit 3')).toBe(3);
  });
});
