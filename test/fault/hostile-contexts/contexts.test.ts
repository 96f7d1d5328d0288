import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Problem } from '../../../src/lib/problem.ts';
import { filesAbove } from '../../cases/image-build/image-files.ts';
import { isRoot } from '../../cases/image-build/needs.ts';
import { openTestEngine, type TestEngine } from '../../cases/image-build/test-engine.ts';
import { leftBehind, openHandles } from '../hostile-layers/left-behind.ts';

/** A context is whatever lies in a folder: it may lie, change under our hands, and hold what no file system should. */
describe.skipIf(!isRoot)('a hostile context', () => {
  let test: TestEngine;
  let context: string;
  beforeAll(async () => {
    test = await openTestEngine();
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    context = await mkdtemp(join(tmpdir(), 'slipway-hostile-context-'));
  });
  afterEach(() => rm(context, { recursive: true, force: true }));

  /** The files of the image, or what was said against it; never anything that stays behind. */
  const build = async (dockerfile: string, during?: () => void): Promise<Record<string, string> | Problem> => {
    await writeFile(join(context, 'Dockerfile'), `FROM scratch\n${dockerfile}\n`);
    const handles = openHandles();
    const building = test.build(context, { tags: ['hostile:1'] });
    during?.();
    const outcome = await building.catch((error: unknown) => {
      if (error instanceof Problem) return error;
      throw error;
    });
    expect(leftBehind(test.folder)).toEqual([]);
    expect(openHandles()).toBeLessThanOrEqual(handles + 2);
    if (outcome instanceof Problem) return outcome;
    const { layers } = await test.engine.inspect('hostile:1', test.caller());
    return await filesAbove(test.deps, layers);
  };

  it.each([
    [
      'a circle of links',
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
      'a',
    ],
    ['a link to itself', [['a', 'a']], 'a'],
    ['a folder link to its own parent', [['d/up', '..']], 'd/up/d/up/nothing'],
    ['a link to /proc/self/root/etc/passwd', [['p', '/proc/self/root/etc/passwd']], 'p'],
    [
      'a link to /etc/passwd behind three others',
      [
        ['a', 'b'],
        ['b', 'd/c'],
        ['d/c', '../../../../../../etc/passwd'],
      ],
      'a',
    ],
  ])('with %s copies nothing of this machine', async (_, links, source) => {
    await mkdir(join(context, 'd'));
    for (const [name, target] of links) await symlink(target ?? '', join(context, name ?? ''));
    expect(await build(`COPY ${source} /out`)).toMatchObject({ name: 'Problem', code: 'not-found' });
    // the links themselves are copied as they are
    const all = await build('COPY . /all/');
    for (const [name, target] of links) expect(all).toMatchObject({ [`all/${name}`]: `symlink 0:0 -> ${target}` });
  });

  it('with a Dockerfile that leads out is not read', async () => {
    await symlink('/etc/passwd', join(context, 'Other'));
    const outcome = await test
      .build(context, { tags: ['hostile:1'], dockerfile: { path: 'Other' } })
      .catch((error: unknown) => error);
    expect(outcome).toMatchObject({ name: 'Problem' });
    expect(JSON.stringify(outcome)).not.toContain('root:');
  });

  it('with an ignore file that leads out takes no rules from there', async () => {
    const rules = join(tmpdir(), `slipway-rules-${process.pid}`);
    await writeFile(rules, '*\n');
    try {
      await symlink(rules, join(context, '.dockerignore'));
      await writeFile(join(context, 'f'), 'x');
      expect(await build('COPY f /f')).toEqual({ f: 'file 644 0:0 "x"' });
    } finally {
      await rm(rules);
    }
  });

  it('with a socket, pipes and devices leaves the one out and opens none of the others', async () => {
    const server = createServer().listen(join(context, 'socket'));
    try {
      execFileSync('mkfifo', [join(context, 'pipe')]);
      execFileSync('mknod', [join(context, 'zero'), 'c', '1', '5']);
      expect(await build('COPY pipe zero socke[t] /n/')).toMatchObject({
        'n/pipe': 'fifo 644 0:0',
        'n/zero': 'char 644 0:0 1:5',
      });
      const added = await build('ADD pipe zero /n/');
      expect(added).toMatchObject({ 'n/pipe': 'fifo 644 0:0' });
    } finally {
      server.close();
    }
  });

  it('with a Dockerfile that is a pipe, a folder or a device says so and waits for nobody', async () => {
    execFileSync('mkfifo', [join(context, 'pipe')]);
    execFileSync('mknod', [join(context, 'zero'), 'c', '1', '5']);
    await mkdir(join(context, 'folder'));
    for (const path of ['pipe', 'zero', 'folder'])
      await expect(test.build(context, { tags: ['x:1'], dockerfile: { path } })).rejects.toMatchObject({
        name: 'Problem',
      });
  });

  it('with an ignore file that is a pipe or a folder says so and waits for nobody', async () => {
    execFileSync('mkfifo', [join(context, '.dockerignore')]);
    await writeFile(join(context, 'f'), 'x');
    const piped = await build('COPY f /f');
    await rm(join(context, '.dockerignore'));
    await mkdir(join(context, '.dockerignore'));
    const folder = await build('COPY f /f');
    for (const outcome of [piped, folder])
      if (!(outcome instanceof Problem)) expect(outcome).toEqual({ f: 'file 644 0:0 "x"' });
  });

  it('with names that no terminal likes copies them byte for byte', async () => {
    mkdirSync(Buffer.concat([Buffer.from(`${context}/d`)]));
    const names = [
      'new\nline',
      'tab\t',
      '\x1b[31mred',
      ' blank ',
      '-rf',
      '*',
      'a\\b',
      '...',
      '$(id)',
      '`id`',
      "'",
      '"',
    ];
    for (const name of names) writeFileSync(join(context, 'd', name), 'x');
    writeFileSync(Buffer.concat([Buffer.from(`${context}/d/`), Buffer.from([0xff, 0xe9])]), 'x');
    const files = await build('COPY d /d');
    expect(Object.keys(files).sort()).toEqual(['d', ...[...names, '\udcff\udce9'].map((name) => `d/${name}`)].sort());
  });

  it('with 2000 folders in each other is walked to the end or refused in words', async () => {
    execFileSync('mkdir', ['-p', 'a/'.repeat(2000)], { cwd: context });
    try {
      const files = await build('COPY a /a');
      if (!(files instanceof Problem)) expect(Object.keys(files)).toHaveLength(2000);
      else expect(files.message).not.toBe('');
    } finally {
      execFileSync('rm', ['-rf', join(context, 'a')]);
    }
  });

  it('with a file of a terabyte that is all hole can be left out, or the build be cancelled at once', async () => {
    execFileSync('truncate', ['-s', '1T', join(context, 'hole')]);
    await writeFile(join(context, '.dockerignore'), 'hole\n');
    await writeFile(join(context, 'f'), 'x');
    expect(await build('COPY . /d')).toMatchObject({ 'd/f': 'file 644 0:0 "x"' });
    await rm(join(context, '.dockerignore'));
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY hole /\n');
    const cancelled = new AbortController();
    setTimeout(() => cancelled.abort(), 300);
    const started = Date.now();
    const outcome = test.build(context, { tags: ['x:1'] }, test.caller(cancelled.signal));
    await expect(outcome).rejects.toBeDefined();
    expect(Date.now() - started).toBeLessThan(3000);
    expect(leftBehind(test.folder)).toEqual([]);
  });

  it('that nobody may read is read by root, and its modes are kept', async () => {
    await writeFile(join(context, 'closed'), 'x');
    await chmod(join(context, 'closed'), 0);
    expect(await build('COPY closed /c')).toEqual({ c: 'file 0 0:0 "x"' });
  });

  const change = (what: string, how: (file: string) => void) => ({ what, how });

  it.each([
    change('grows', (file) => appendFileSync(file, 'more')),
    change('shrinks', (file) => writeFileSync(file, 'short')),
    change('vanishes', (file) => unlinkSync(file)),
    change('becomes a folder', (file) => {
      unlinkSync(file);
      mkdirSync(file);
    }),
    change('becomes a link to this machine', (file) => {
      unlinkSync(file);
      symlinkSync('/etc/passwd', file);
    }),
    change('becomes a pipe', (file) => {
      unlinkSync(file);
      execFileSync('mkfifo', [file]);
    }),
    change('is replaced', (file) => {
      writeFileSync(`${file}.new`, 'y'.repeat(1 << 16));
      renameSync(`${file}.new`, file);
    }),
  ])('whose file $what while it is copied gives one state of it, or none', async ({ how }) => {
    // many files in front, so that the last is selected long before its turn comes
    await mkdir(join(context, 'd'));
    for (let i = 0; i < 300; i++) writeFileSync(join(context, 'd', `f${i}`), 'z'.repeat(3000));
    const last = join(context, 'd', 'zz');
    writeFileSync(last, 'x'.repeat(1 << 16));
    const outcome = await build('COPY d /d', () => {
      setTimeout(() => {
        how(last);
      }, 5);
    });
    if (outcome instanceof Problem) expect(['conflict', 'failed', 'not-found']).toContain(outcome.code);
    else {
      expect(JSON.stringify(outcome)).not.toContain('root:');
      const seen = outcome['d/zz'] ?? 'gone';
      expect(seen).toMatch(/^(?:gone|folder|fifo|symlink|file 644 0:0 "(?:x{65536}(?:more)?|y{65536}|short)"$)/);
    }
    rmSync(last, { recursive: true, force: true });
  });

  it('of ten thousand files in one folder takes seconds, and the second build no reading', async () => {
    await mkdir(join(context, 'many'));
    for (let i = 0; i < 10_000; i++) writeFileSync(join(context, 'many', `file-${i}`), '');
    const files = await build('COPY many /many');
    expect(Object.keys(files)).toHaveLength(10_001);
    const again = await test.build(context, { tags: ['x:1'] });
    expect(again.steps.map(({ status }) => status)).toEqual(['cached']);
  });
});
