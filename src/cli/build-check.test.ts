import { describe, expect, it } from 'vitest';
import type { Warning } from '../dockerfile/checks/warnings.ts';
import type { BuildCall } from '../doors/control/wire.ts';
import type { BuildEvent } from '../engine/events.ts';
import { Problem } from '../lib/problem.ts';
import { checkDockerfile } from './commands/build-check.ts';
import type { CliContext } from './context.ts';
import { Unreachable } from './unreachable.ts';

const TEXT = 'FROM scratch AS B\nCMD run';

function warningOn(line: number, rule: Warning['rule']): BuildEvent {
  const place = { file: 'Dockerfile', ranges: [{ line, column: 1, endLine: line, endColumn: 4 }], text: TEXT };
  return { kind: 'warning', rule, message: `said of ${line}`, place, fix: { text: 'Mend it' } };
}

/** Runs the command against a server that reports these warnings, and then perhaps complains. */
async function check(json: boolean, events: BuildEvent[], failure?: Problem): Promise<{ exit: number; out: string }> {
  let out = '';
  const control = {
    call: async (_method: string, _call: BuildCall, onEvent: (event: BuildEvent) => void) => {
      for (const event of events) onEvent(event);
      if (failure !== undefined) throw failure;
      return { images: [] };
    },
    close: async () => undefined,
  };
  const context = {
    terminal: { out: (text: string) => (out += text), err: () => undefined },
    signal: new AbortController().signal,
    control: async () => control,
  } as unknown as CliContext;
  const call = { dockerfile: { path: 'Dockerfile' } } as BuildCall;
  return { exit: await checkDockerfile(context, call, json), out };
}

describe('slipway build --check', () => {
  it('ends with 0 when there is nothing to say', async () => {
    expect(await check(false, [])).toEqual({ exit: 0, out: 'Dockerfile: no warnings\n' });
    expect(await check(true, [])).toEqual({ exit: 0, out: '{"file":"Dockerfile","warnings":[]}\n' });
  });

  it('prints warnings in the order of the file, and ends with 1', async () => {
    const { exit, out } = await check(false, [warningOn(2, 'JSONArgsRecommended'), warningOn(1, 'StageNameCasing')]);
    expect(exit).toBe(1);
    expect(out.match(/Dockerfile:\d+|>>> .*|fix: .*|\d warnings/g)).toEqual([
      ...['Dockerfile:1', '>>> 1 | FROM scratch AS B', 'fix: Mend it'],
      ...['Dockerfile:2', '>>> 2 | CMD run', 'fix: Mend it', '2 warnings'],
    ]);
  });

  it('gives programs one document, the complaint of the compiler in it', async () => {
    const { exit, out } = await check(true, [warningOn(1, 'StageNameCasing')], new Problem('invalid', 'unknown'));
    expect(exit).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      warnings: [{ rule: 'StageNameCasing', ranges: [{ line: 1 }], fix: { text: 'Mend it' } }],
      error: { message: 'unknown' },
    });
  });

  it('lets a complaint pass to whoever renders it, after the warnings', async () => {
    await expect(check(false, [warningOn(1, 'StageNameCasing')], new Problem('invalid', 'unknown'))).rejects.toThrow(
      'unknown',
    );
    expect((await check(true, [], new Unreachable('no server', 'Start one.'))).exit).toBe(3);
  });
});
