import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { textWidth } from '../../../src/cli/progress/text-width.ts';
import { mirrorConfig, missingForBuilds } from '../../wire/server.ts';
import { hasScript, inTerminal } from './in-terminal.ts';

const why = hasScript ? await missingForBuilds() : ': no script of util-linux';

/** `slipway build` on a pseudo terminal; what is asserted is what a person sees when it has ended. */
describe.skipIf(why !== '')(`slipway build on a terminal${why}`, () => {
  let folder: string;
  let context: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-terminal-'));
    context = join(folder, 'context');
    const data = join(folder, 'data');
    await mkdir(data, { mode: 0o700 });
    await writeFile(join(data, 'slipway.yaml'), await mirrorConfig());
    const { NO_COLOR: _, ...rest } = process.env;
    env = { ...rest, SLIPWAY_DATA: data, TERM: 'xterm-256color' };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  afterEach(() => rm(context, { recursive: true, force: true }));

  async function given(dockerfile: string): Promise<void> {
    await mkdir(context, { recursive: true });
    await writeFile(join(context, 'Dockerfile'), dockerfile);
  }
  const build = (...flags: string[]) => ['build', '--network', 'none', '--no-cache', ...flags, context];
  const shown = (lines: readonly string[]) =>
    lines.map((line) =>
      line
        .replace(/\d+\.\d s$/, 'TIME')
        .replace(/ +\d+\.\ds$/, ' TIME')
        .replace(/Building \d+\.\ds/, 'Building TIME')
        .replace(/sha256:\w{64}/, 'DIGEST'),
    );

  it('leaves a picture with every vertex, the answer below it, and draws at most 20 times a second', async () => {
    await given(
      'FROM busybox\nRUN for i in 1 2 3 4 5 6 7 8 9; do printf "\\033[31mline $i\\033[0m\\n"; sleep 0.1; done\n',
    );
    const { code, screen, raw, ms } = await inTerminal(build('-t', 'seen:1'), { columns: 80, rows: 24, env });
    expect(code).toBe(0);
    expect(shown(screen.lines)).toEqual([
      expect.stringMatching(/^\[\+\] Building TIME \((\d)\/\1\) FINISHED$/),
      ' => [internal] load build definition from Dockerfile TIME',
      ...screen.lines.slice(2, -6).map(() => expect.stringMatching(/^ => /)),
      expect.stringMatching(/^ => \[2\/2\] RUN for i in 1 2 3 .*… TIME$/),
      expect.stringMatching(/^ => exporting to image TIME$/),
      ' => naming to docker.io/library/seen:1 TIME',
      'DIGEST  TIME',
      '  seen:1',
      '',
    ]);
    // while it ran, its last lines could be seen, without the colours that they brought
    expect(raw).toContain('\u001b[2m => => # line 4\u001b[0m');
    const pictures = raw.split('\u001b[?25l').length - 1;
    expect(pictures).toBeLessThanOrEqual(Math.ceil((ms / 1000) * 20) + 1);
  });

  it('fits a small terminal whatever the output is, and shows the place of what failed below', async () => {
    await given(
      'FROM busybox\nRUN i=0; while [ $i -lt 40 ]; do echo "$i 日本語の長い行がここにあります、ここにも、そしてここにも"; i=$((i+1)); done; printf \'\\033[2J\\007\\000\\377half\'; exit 3\n',
    );
    const { code, screen, raw } = await inTerminal(build(), { columns: 40, rows: 10, env });
    expect(code).toBe(1);
    const picture = shown(
      screen.lines.slice(
        0,
        screen.lines.findIndex((line) => line.startsWith('error: ')),
      ),
    );
    expect(picture[0]).toMatch(/^\[\+\] Building TIME \((\d)\/\1\) FAILED$/);
    expect(picture.at(-1)).toMatch(/^ => ERROR \[2\/2\] RUN .*… TIME$/);
    for (const line of raw.split('\u001b[?25h')[0]?.split('\n') ?? [])
      expect(textWidth(line.replaceAll(/\u001b\[[?\d;]*[A-Za-z]|\r/g, ''))).toBeLessThan(40);
    const all = screen.lines.join('\n');
    expect(all).toContain('Dockerfile:2');
    expect(all).toContain('39 日本語の長い行');
  });

  it('goes on after a change of size', async () => {
    await given('FROM busybox\nRUN for i in 1 2 3 4 5 6 7 8 9; do echo "line $i"; sleep 0.2; done\n');
    const { code, screen } = await inTerminal(build(), {
      columns: 80,
      rows: 24,
      env,
      resize: { after: '# line 3', columns: 50, rows: 12 },
    });
    expect(code).toBe(0);
    const picture = shown(screen.lines.slice(screen.lines.findLastIndex((line) => line.startsWith('[+] Building'))));
    expect(picture[0]).toMatch(/FINISHED$/);
    expect(picture.slice(1, -3).every((line) => line.startsWith(' => ') && line.endsWith(' TIME'))).toBe(true);
    expect(picture.at(-4)).toBe(' => exporting to image TIME');
  });

  it('ends on Ctrl-C with what was cancelled, and exit code 130', async () => {
    await given('FROM busybox\nRUN echo begun; sleep 300\n');
    const { code, screen } = await inTerminal(build(), {
      columns: 80,
      rows: 24,
      env,
      type: { after: '# begun', keys: '\u0003' },
    });
    expect(code).toBe(130);
    const [header] = shown(screen.lines);
    expect(header).toMatch(/^\[\+\] Building TIME \(\d\/\d\) CANCELED$/);
    expect(shown(screen.lines.slice(-3))).toEqual([
      ' => CANCELED [2/2] RUN echo begun; sleep 300 TIME',
      'cancelled',
      '',
    ]);
  });

  it('has no colours with NO_COLOR, and prints lines where the terminal is dumb', async () => {
    await given('FROM busybox\nRUN echo hello\n');
    const plain = await inTerminal(build(), { columns: 80, rows: 24, env: { ...env, NO_COLOR: '1' } });
    expect(plain.raw).not.toMatch(/\u001b\[\d*m/);
    expect(plain.raw).toContain('FINISHED');
    const dumb = await inTerminal(build(), { columns: 80, rows: 24, env: { ...env, TERM: 'dumb' } });
    expect(dumb.raw).toMatch(
      /#\d \[2\/2\] RUN echo hello\r\n(#\d .*\r\n)*#\d \d\.\d{3} hello\r\n(#\d not cached.*\r\n)?#\d DONE/,
    );
    expect(dumb.raw).not.toContain('\u001b');
  });
});
