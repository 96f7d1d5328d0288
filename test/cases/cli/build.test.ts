import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mirrorConfig, missingForBuilds, slipway } from '../../wire/server.ts';

const why = await missingForBuilds();
const MAIN = join(import.meta.dirname, '../../../src/start/main.ts');
const TSX = join(import.meta.dirname, '../../../node_modules/tsx/dist/esm/index.mjs');

/** `slipway build` without a server: the command owns the data folder for as long as it runs. */
describe.skipIf(why !== '')(`slipway build without a server${why}`, () => {
  let folder: string;
  let data: string;
  let context: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-build-'));
    data = join(folder, 'data');
    context = join(folder, 'context');
    await mkdir(data, { mode: 0o700 });
    await writeFile(join(data, 'slipway.yaml'), await mirrorConfig());
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  afterEach(() => rm(context, { recursive: true, force: true }));

  async function given(files: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(context, path, '..'), { recursive: true });
      await writeFile(join(context, path), text);
    }
  }

  const build = (...args: string[]) =>
    slipway(['build', ...args, context], { env: { ...process.env, SLIPWAY_DATA: data, FROM_OUTSIDE: 'outside' } });
  const inspect = async (name: string) => {
    const { stdout } = await slipway(['history', '--json', name], { env: { ...process.env, SLIPWAY_DATA: data } });
    return (JSON.parse(stdout) as { createdBy: string }[]).map((row) => row.createdBy);
  };

  it('explains every step: first all ran, then all cached, then what a changed file caused', async () => {
    await given({
      Dockerfile: 'FROM busybox\nCOPY . /app\nRUN cat /app/need.txt\nENV A=1\n',
      'need.txt': '1',
      other: '1',
    });
    const first = await build('--explain');
    expect(first.stdout).toMatch(/^ {2}1 {2}FROM busybox +(cached|fetched)\n {2}2 {2}COPY \. \/app +ran \d/);
    expect(first.stdout).toContain('not built before');
    expect(first.stderr).toBe('');
    const second = await build('--explain');
    const outcomes = [...second.stdout.matchAll(/ (cached|no layer)(?:, made .+ ago)?$/gm)].map(([, word]) => word);
    expect(outcomes).toEqual(['cached', 'cached', 'cached', 'no layer']);
    await given({ other: '2' });
    const third = (await build('--explain')).stdout;
    expect(third).toContain('       1 of 3 files changed: other, since the last build (');
    expect(third).toContain('       its input changed (step 2)\n       none of the changed files is /app/need.txt');
  });

  it('prints the id alone with -q, and one JSON object per line with --progress json', async () => {
    await given({ Dockerfile: 'FROM busybox\nRUN echo hello\n' });
    const quiet = await build('-q');
    expect(quiet).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/) });
    const { stdout } = await build('--no-cache', '--progress', 'json');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter((line) => line['kind'] === 'output')).toMatchObject([{ stream: 'stdout', text: 'hello\n' }]);
    expect(lines.at(-1)).toMatchObject({ result: { images: [{ kept: false }] } });
  });

  it('takes target, build arguments with and without a value, and the Dockerfile from elsewhere', async () => {
    const text = 'FROM busybox AS first\nARG A\nARG FROM_OUTSIDE\nENV A=$A B=$FROM_OUTSIDE\nFROM first\nENV NEVER=1\n';
    await given({ hello: 'x' });
    await writeFile(join(folder, 'Elsewhere'), text);
    const args = ['--target', 'first', '--build-arg', 'A=1', '--build-arg', 'FROM_OUTSIDE'];
    expect((await build(...args, '-f', join(folder, 'Elsewhere'), '-t', 'elsewhere:1')).code).toBe(0);
    const rows = await inspect('elsewhere:1');
    expect(rows.some((row) => row.startsWith('ENV A=1 B=outside'))).toBe(true);
    expect(rows.join()).not.toContain('NEVER');
  });

  it('shows what the failing RUN said, also where progress was not asked for, and names nothing', async () => {
    await given({ Dockerfile: 'FROM busybox\nRUN echo the reason; exit 7\n' });
    for (const flags of [[], ['-q'], ['--explain']]) {
      const { code, stdout, stderr } = await build(...flags, '-t', 'broken:1');
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/the reason[\s\S]*error: .*exit code: 7[\s\S]*Dockerfile:2/);
    }
    expect((await slipway(['images'], { env: { ...process.env, SLIPWAY_DATA: data } })).stdout).not.toContain('broken');
  });

  it('ends the running command on Ctrl-C and leaves no process, mount or bridge', async () => {
    await given({ Dockerfile: 'FROM busybox\nRUN printf "be%s\\n" gun; sleep 3021\n' });
    const child = start('build', context);
    await said(child.stderr, 'begun');
    expect(await bridgesOf(data)).toHaveLength(1);
    child.kill('SIGINT');
    expect((await once(child, 'exit'))[0]).toBe(130);
    expect(await commandLines()).not.toContain('sleep 3021');
    expect(await readFile('/proc/mounts', 'utf8')).not.toContain(data);
    expect(await bridgesOf(data)).toEqual([]);
  });

  it('ends quietly when its reader has gone', async () => {
    const child = start('--help');
    child.stdout?.destroy();
    expect((await once(child, 'exit'))[0]).toBe(0);
    expect(await collected(child.stderr)).toBe('');
  });

  function start(...args: string[]): ChildProcess {
    return spawn(process.execPath, ['--import', TSX, MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SLIPWAY_DATA: data },
    });
  }
});

async function said(stream: ChildProcess['stderr'], text: string): Promise<void> {
  let all = '';
  for await (const chunk of stream?.iterator({ destroyOnReturn: false }) ?? []) {
    all += String(chunk);
    if (all.includes(text)) break;
  }
  stream?.resume();
}

async function collected(stream: ChildProcess['stderr']): Promise<string> {
  let all = '';
  for await (const chunk of stream ?? []) all += String(chunk);
  return all;
}

/** Aliases of the bridges that belong to a data folder; other servers of this machine have theirs. */
async function bridgesOf(data: string): Promise<string[]> {
  const tag = createHash('sha256').update(data).digest('hex').slice(0, 8);
  const names = await readdir('/sys/class/net');
  const aliases = await Promise.all(
    names.map((name) => readFile(`/sys/class/net/${name}/ifalias`, 'utf8').catch(() => '')),
  );
  return aliases.filter((alias) => alias.startsWith(`slipway ${tag} `));
}

async function commandLines(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.map((line) => line.replaceAll('\0', ' ')).join('\n');
}
