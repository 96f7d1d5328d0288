import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gsutil } from '../../../src/builds/gsutil/gsutil.ts';
import { bucketsOf } from '../../../src/builds/run/bucket-access.ts';
import { StepFiles } from '../../../src/builds/run/step-files.ts';
import { openBench } from '../build-log/build-bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
let workspace: string;
beforeEach(async () => {
  bench = await openBench();
  workspace = await mkdtemp(join(tmpdir(), 'slipway-gsutil-'));
  await bench.buckets.createBucket({ name: 'models', project: 'p1', location: 'EU' });
  await bench.buckets.createBucket({ name: 'foreign', project: 'p2', location: 'EU' });
  await put('iris/1.0.0/model.json', '{"a":1}');
  await put('iris/1.0.0/notes.txt', 'n');
  await put('iris/1.1.0/model.json', '{"a":2}');
});
afterEach(async () => {
  await rm(workspace, { recursive: true });
  await bench.close();
});

async function put(name: string, content: string, bucket = 'models'): Promise<void> {
  async function* bytes() {
    yield Buffer.from(content);
  }
  await bench.buckets.put(bucket, name, bytes());
}

async function local(name: string, content: string): Promise<void> {
  await mkdir(dirname(join(workspace, name)), { recursive: true });
  await writeFile(join(workspace, name), content);
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const code = await gsutil(args, {
    cwd: '/workspace',
    env: {},
    files: new StepFiles(new Map([['/workspace', workspace]])),
    scratch: async () => workspace,
    output: {
      stdout: (chunk) => {
        said.out += chunk.toString();
      },
      stderr: (chunk) => {
        said.err += chunk.toString();
      },
    },
    engine: bench.deps.engine,
    caller: { scope: 'build:x', project: 'p1', actor: 'x', signal: new AbortController().signal },
    buckets: bucketsOf('p1', bench.buckets),
    network: { kind: 'none' },
    allowHostNetwork: false,
    ownNames: bench.deps.ownNames,
    verifyLogin: async () => undefined,
  });
  return { code, ...said };
}

/** Every file of the workspace or bucket. */
async function tree(): Promise<string[]> {
  const entries = await readdir(workspace, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(workspace.length + 1))
    .sort();
}
async function objects(bucket = 'models'): Promise<string[]> {
  return (await bench.buckets.list(bucket, { limit: 100 })).objects.map((object) => object.name);
}

describe('gsutil cp', () => {
  it('fetches the model, in gsutil words', async () => {
    expect(await run('-m', 'cp', 'gs://models/iris/1.0.0/model.json', 'models/')).toEqual({
      code: 0,
      out: '',
      err: 'Copying gs://models/iris/1.0.0/model.json...\n/ [1 files][     7.0 B/     7.0 B]\nOperation completed over 1 objects/7.0 B.\n',
    });
    expect(await readFile(join(workspace, 'models/model.json'), 'utf8')).toBe('{"a":1}');
  });

  it.each<[string[], string[]]>([
    [['gs://models/iris/1.0.0/model.json', 'm.json'], ['m.json']],
    [['gs://models/iris/1.0.0/model.json', '.'], ['model.json']],
    [
      ['gs://models/iris/1.0.0/*', '.'],
      ['model.json', 'notes.txt'],
    ],
    [['gs://models/iris/*/notes.txt', 'here/'], ['here/notes.txt']],
    [['gs://models/**.txt', '.'], ['notes.txt']],
    [
      ['-r', 'gs://models/iris/1.0.0', '.'],
      ['1.0.0/model.json', '1.0.0/notes.txt'],
    ],
    [
      ['-r', 'gs://models/iris/*', '.'],
      ['1.0.0/model.json', '1.0.0/notes.txt', '1.1.0/model.json'],
    ],
    [
      ['-r', 'gs://models/iris/1.0.0', 'new'],
      ['new/model.json', 'new/notes.txt'],
    ],
  ])('%j gives %j', async (args, expected) => {
    expect((await run('cp', ...args)).err).toContain('Operation completed');
    expect(await tree()).toEqual(expected);
  });

  it.each<[string[], string[]]>([
    [['a.txt', 'gs://models/x/b.txt'], ['x/b.txt']],
    [['a.txt', 'gs://models/x/'], ['x/a.txt']],
    [['a.txt', 'gs://models'], ['a.txt']],
    [['-r', 'dist', 'gs://models/x'], ['x/sub/c.txt']],
    [['-r', 'dist', 'gs://models/iris'], ['iris/dist/sub/c.txt']],
    [
      ['*.txt', 'gs://models/x/'],
      ['x/a.txt', 'x/b.txt'],
    ],
    [['gs://models/iris/1.0.0/notes.txt', 'gs://models/copy.txt'], ['copy.txt']],
  ])('%j uploads %j', async (args, expected) => {
    await local('a.txt', 'a');
    await local('b.txt', 'b');
    await local('dist/sub/c.txt', 'c');
    const before = await objects();
    expect((await run('cp', ...args)).code).toBe(0);
    expect((await objects()).filter((name) => !before.includes(name))).toEqual(expected);
  });

  it('says what it could not do', async () => {
    expect(await run('cp', 'gs://models/none', '.')).toMatchObject({
      code: 1,
      err: 'CommandException: No URLs matched: gs://models/none\n',
    });
    expect(await run('cp', 'none.txt', 'gs://models/')).toMatchObject({ code: 1 });
    expect((await run('cp', 'gs://foreign/x', '.')).err).toContain('AccessDeniedException: 403');
    expect((await run('cp', 'gs://nowhere/x', '.')).err).toContain('BucketNotFoundException: 404');
    expect((await run('cp', 'gs://models/iris/1.0.0/*', 'one-file')).err).toContain('Destination URL must name');
    expect((await run('cp', '-r', 'gs://models/iris', '/etc')).err).toContain('no such file or directory');
    expect((await run('pc', 'a', 'b')).err).toContain('Did you mean this? cp');
  });

  it('-n leaves what is there', async () => {
    await local('model.json', 'mine');
    await run('cp', '-n', 'gs://models/iris/1.0.0/model.json', '.');
    expect(await readFile(join(workspace, 'model.json'), 'utf8')).toBe('mine');
  });
});

describe('gsutil rsync', () => {
  it('copies what differs and removes what is too much', async () => {
    await local('m/1.0.0/model.json', '{"a":1}');
    await local('m/1.0.0/notes.txt', 'X');
    await local('m/old', 'x');
    const { err } = await run('-m', 'rsync', '-r', '-d', 'gs://models/iris', 'm');
    expect(err).toBe(
      [
        'Building synchronization state...',
        'Starting synchronization...',
        'Copying gs://models/iris/1.0.0/notes.txt...',
        'Copying gs://models/iris/1.1.0/model.json...',
        'Removing file://m/old',
        '/ [2 files][     8.0 B/     8.0 B]',
        'Operation completed over 2 objects/8.0 B.',
        '',
      ].join('\n'),
    );
    expect(await tree()).toEqual(['m/1.0.0/model.json', 'm/1.0.0/notes.txt', 'm/1.1.0/model.json']);
  });

  it('uploads without -r only what lies at the top', async () => {
    await local('m/a', 'a');
    await local('m/sub/b', 'b');
    await run('rsync', 'm', 'gs://models/up');
    expect((await objects()).filter((name) => name.startsWith('up/'))).toEqual(['up/a']);
  });
});

describe('gsutil ls, cat, stat, rm', () => {
  it('lists a level, a wildcard, and everything', async () => {
    expect((await run('ls')).out).toBe('gs://models/\n');
    expect((await run('ls', 'gs://models/iris')).out).toBe('gs://models/iris/1.0.0/\ngs://models/iris/1.1.0/\n');
    expect((await run('ls', 'gs://models/iris/1.0.0/*.json')).out).toBe('gs://models/iris/1.0.0/model.json\n');
    expect((await run('ls', '-r', 'gs://models')).out.split('\n')).toHaveLength(4);
    expect(await run('ls', 'gs://models/none')).toMatchObject({
      code: 1,
      err: 'CommandException: One or more URLs matched no objects.\n',
    });
  });

  it('prints, describes and removes', async () => {
    expect((await run('cat', 'gs://models/iris/1.0.0/model.json')).out).toBe('{"a":1}');
    expect((await run('stat', 'gs://models/iris/1.0.0/model.json')).out).toContain('Content-Length:         7');
    expect((await run('-q', 'stat', 'gs://models/none')).code).toBe(1);
    expect((await run('rm', '-r', 'gs://models/iris')).code).toBe(0);
    expect(await objects()).toEqual([]);
  });
});
