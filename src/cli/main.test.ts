import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Problem } from '../lib/problem.ts';
import { runCli } from './main.ts';
import type { CliServices } from './services.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-cli-'));
  await writeFile(join(folder, 'cloudbuild.yaml'), 'steps:\n- name: gcr.io/cloud-builders/docker\n  args: [images]\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let out = '';
let err = '';
beforeEach(() => {
  out = '';
  err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
  return () => vi.restoreAllMocks();
});

/** No server runs, and this process does not become the owner either: what is asked of it is refused. */
const services: CliServices = {
  version: '1.2.3',
  root: '/',
  serve: async () => 0,
  restore: async () => ({ name: '', blobs: 0, bytes: 0, absent: [] }),
  openOwner: async () => ({
    call: async (method) => {
      throw new Problem('not-found', `asked: ${method}`, { hint: 'Try again.' });
    },
    close: async () => undefined,
  }),
  openLocalBuilds: async () => {
    throw new Problem('not-found', 'asked: a build', { hint: 'Try again.' });
  },
};
const slipway = (...args: string[]) => runCli([...args, '--data', folder], services);

it.each<[args: string[], code: number, says: string]>([
  [['--help'], 0, ''],
  [['pull', '--help'], 0, ''],
  [['builds', 'log', '--help'], 0, ''],
  [['frobnicate'], 2, "unknown command 'frobnicate'"],
  [['imges'], 2, 'Did you mean images?'],
  [['builds', 'frobnicate'], 2, 'slipway builds --help'],
  [['images', '--frob'], 2, "unknown option '--frob'"],
  [['pull'], 2, "missing required argument 'name'"],
  [['tag', 'a', 'b', 'c'], 2, 'too many arguments'],
  [['builds', 'describe'], 2, 'slipway builds describe --help'],
  [['builds', 'list', '--limit', '0'], 2, 'It is a number from 1.'],
  [['token', 'create', '--expires', 'soon'], 2, 'Write 90m, 12h or 30d.'],
  [['token', 'create', '--role', 'boss'], 2, 'reader, writer, admin'],
  [['pull', 'x', '--platform', 'a/b/c/d'], 2, 'for example linux/amd64'],
  [['submit', '--substitutions', '_A'], 2, 'is not KEY=VALUE'],
  [['serve', '--listen', '7070'], 2, 'It is HOST:PORT'],
  [['build', '--build-arg', '=x', '.'], 2, 'there is no name before the ='],
  [['status'], 3, 'Start one with `slipway serve`'],
  [['env'], 3, 'Start one with `slipway serve`'],
  [['builds', 'list'], 3, 'no server answers'],
  [['images'], 1, 'asked: images'],
  [['render', '--config', '/nowhere.yaml'], 1, 'no such file: /nowhere.yaml'],
  [['build', '/nowhere'], 1, 'the folder whose files COPY takes'],
  [['build', '-f', '/nowhere/Dockerfile', '.'], 1, '-f is a path from here'],
])('%j ends with %d', async (args, code, says) => {
  expect(await slipway(...args)).toBe(code);
  expect(err).toContain(says);
  if (code !== 0) expect(err).toMatch(/^error: .+\n[\s\S]*\n {2}\S/);
  expect(err).not.toMatch(/^\s+at .*:\d+/m);
});

it('takes a server by SLIPWAY_URL, and says when it is none', async () => {
  await writeFile(join(folder, 'token'), 'slw_secret\n');
  vi.stubEnv('SLIPWAY_TOKEN_FILE', join(folder, 'token'));
  vi.stubEnv('SLIPWAY_URL', 'nonsense');
  expect(await slipway('builds', 'list')).toBe(2);
  vi.stubEnv('SLIPWAY_URL', 'http://127.0.0.1:9');
  expect(await slipway('builds', 'list')).toBe(3);
  for (const noToken of ['/nowhere', join(folder, 'cloudbuild.yaml'), folder]) {
    vi.stubEnv('SLIPWAY_TOKEN_FILE', noToken);
    expect(await slipway('builds', 'list')).toBe(1);
  }
  expect(err).toMatch(
    /SLIPWAY_URL=nonsense is no URL[\s\S]*can't be reached[\s\S]*no token can be read from \/nowhere/,
  );
  vi.unstubAllEnvs();
});

it('shows a build as it would run, without a server', async () => {
  expect(await slipway('render', '--config', join(folder, 'cloudbuild.yaml'), '--json')).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ steps: [{ name: 'gcr.io/cloud-builders/docker', args: ['images'] }] });
});

it('teaches in 80 columns: every command says what it does and how it is called', async () => {
  await slipway('--help');
  expect(out.split('\n').filter((line) => line.length > 80 && !line.includes('eval'))).toEqual([]);
  const names = [...out.matchAll(/^ {2}([a-z]+) (?=.* {2}\S)/gm)].map((match) => match[1] ?? '');
  expect(names).toEqual(expect.arrayContaining(['serve', 'submit', 'build', 'history', 'token', 'doctor']));
  for (const name of names.filter((each) => each !== 'help' && each !== 'slipway')) {
    out = '';
    expect(await slipway(name, '--help')).toBe(0);
    expect(out).toMatch(/^Usage: slipway .*\n\n[A-Z]/);
    const prose = out.split('\n').filter((line) => !/^ {2}(?:slipway|docker|gcloud|eval) /.test(line));
    expect(prose.filter((line) => line.length > 80)).toEqual([]);
    expect(out).not.toMatch(/default: [{[]/);
  }
});

it('tells its own mistakes from the user’s, and shows no stack', async () => {
  const broken = { ...services, openOwner: async () => Promise.reject(new TypeError('x is not a function')) };
  expect(await runCli(['images', '--data', folder], broken)).toBe(1);
  expect(err).toContain('This is a mistake in Slipway');
  expect(err).not.toContain('main.test.ts');
});
