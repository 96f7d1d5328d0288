import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DebianRegistry, startDebianRegistry } from '../../wire/debian-registry.ts';
import { mirrorConfig, missingForBuilds, slipway } from '../../wire/server.ts';
import { hasScript, inTerminal } from './in-terminal.ts';

const why = hasScript ? await missingForBuilds() : ': no script of util-linux';

/** What `slipway pull`, `push` and `copy` say of layers on their way, from the registry that plays Docker Hub to another. */
describe.skipIf(why !== '')(`layers on their way${why}`, () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let registry: DebianRegistry;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-transfer-'));
    const data = join(folder, 'data');
    await mkdir(data, { mode: 0o700 });
    await writeFile(join(data, 'slipway.yaml'), await mirrorConfig());
    registry = await startDebianRegistry();
    env = { ...process.env, SLIPWAY_DATA: data, TERM: 'xterm' };
  });
  afterAll(async () => {
    await registry?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const lines = async (...args: string[]) => {
    const { code, stderr } = await slipway(args, { env });
    expect(code, stderr).toBe(0);
    return stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^[0-9a-f]{12}:/, 'LAYER:').replace(/sha256:\w{64}/, 'DIGEST'));
  };

  it("has docker's lines in a pipe: nothing is fetched with --lazy, then all of it, then none", async () => {
    expect(await lines('pull', '--lazy', 'busybox')).toEqual([
      'latest: Pulling from library/busybox',
      'Digest: DIGEST',
      'Status: Downloaded newer image for busybox:latest',
    ]);
    const whole = await lines('pull', 'busybox');
    expect(whole).toContain('LAYER: Pulling fs layer');
    expect(whole.filter((line) => line === 'LAYER: Pull complete')).toHaveLength(
      whole.filter((line) => line === 'LAYER: Pulling fs layer').length,
    );
    const again = await lines('pull', 'busybox');
    expect(new Set(again.filter((line) => line.startsWith('LAYER')))).toEqual(new Set(['LAYER: Already exists']));
    expect(again.at(-1)).toBe('Status: Image is up to date for busybox:latest');
  });

  it('says what was pushed, what was there, and where a layer was mounted from', async () => {
    const name = (path: string) => `${registry.host}/progress/${path}:1`;
    await slipway(['tag', 'busybox', name('one')], { env });
    const first = await lines('push', name('one'));
    expect(first[0]).toBe(`The push refers to repository [${name('one').replace(/:1$/, '')}]`);
    expect(first.filter((line) => line.startsWith('LAYER: ') && line !== 'LAYER: Preparing').length).toBeGreaterThan(0);
    expect(await lines('push', name('one'))).toContain('LAYER: Layer already exists');
    await slipway(['tag', 'busybox', name('two')], { env });
    expect((await lines('push', name('two'))).join('\n')).toMatch(/LAYER: (Mounted from \S+|Layer already exists)/);
    expect(await lines('copy', 'busybox', name('three'))).toContain('LAYER: Preparing');
  });

  it('draws a line for each layer on a terminal, and leaves them there', async () => {
    const { code, screen, raw } = await inTerminal(['pull', 'python:3.11'], { columns: 60, rows: 12, env });
    expect(code).toBe(0);
    expect(raw).toMatch(/[0-9a-f]{12} \[=*>? *\] [\d.]+ k?M?B \/ [\d.]+ MB/);
    const shown = screen.lines.filter((line) => /^[0-9a-f]{12}: /.test(line));
    expect(shown.length).toBeGreaterThan(1);
    for (const line of shown) expect(line).toMatch(/^[0-9a-f]{12}: (Pull complete|Already exists)$/);
  });
});
