import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { unpackSnapshot } from '../../../src/builds/sources/snapshot-source.ts';
import type { ApiClient } from '../../../src/cli/api-client.ts';
import { type SentSource, sendSource } from '../../../src/cli/sources/send-source.ts';
import { Problem } from '../../../src/lib/problem.ts';
import { frame } from '../../../src/stores/sources/pack-pieces.ts';
import { type PieceId, pieceIdOf } from '../../../src/stores/sources/piece.ts';
import { formatEntry, SNAPSHOT_FORMAT, type TreeEntry } from '../../../src/stores/sources/tree-list.ts';
import { openBench } from '../build-log/build-bench.ts';

const signal = new AbortController().signal;

let bench: Awaited<ReturnType<typeof openBench>>;
let root: string;
let source: string;
let cacheHome: string | undefined;

beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-snapshots-'));
  source = join(root, 'source');
  await mkdir(source);
  cacheHome = process.env['XDG_CACHE_HOME'];
  process.env['XDG_CACHE_HOME'] = join(root, 'cache');
});
afterEach(async () => {
  if (cacheHome === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = cacheHome;
  await rm(root, { recursive: true, force: true });
});

/** The door without HTTP: what its routes call. */
function api(project = 'p1'): ApiClient & { lists: PieceId[] } {
  const answer = {
    url: 'http://127.0.0.1',
    lists: [] as PieceId[],
    json: async (_method: string, path: string, body?: unknown) => {
      const asked = body as { lists: PieceId[]; pieces: PieceId[] };
      if (path.endsWith('/missing')) return { ...(await bench.sources.missing(project, asked)) };
      await bench.sources.complete(project, asked.lists);
      answer.lists = asked.lists;
      return { bucket: 'b', object: 'o', generation: '1' };
    },
    upload: async (_path: string, _type: string, body: AsyncIterable<Uint8Array>) => ({
      ...(await bench.sources.receive(project, body)),
    }),
    bytes: async () => undefined,
  };
  return answer;
}

async function send(project = 'p1'): Promise<SentSource & { lists: PieceId[] }> {
  const client = api(project);
  const sent = await sendSource({ api: client, project, bucket: 'b', folder: source, signal, watch: () => undefined });
  return { ...sent, lists: client.lists };
}

async function layOut(lists: readonly PieceId[], project = 'p1'): Promise<string> {
  const target = await mkdtemp(join(root, 'workspace-'));
  await unpackSnapshot(project, { format: SNAPSHOT_FORMAT, lists: [...lists] }, target, bench.snapshots, signal);
  return target;
}

/** Everything that a step could see of a tree. */
function tree(folder: string): string[] {
  const found = execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P|%y|%m|%T@|%l|%s\\n'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const lines = found.split('\n').filter(Boolean);
  // a folder's size is the file system's affair; times come back to the microsecond
  return lines.map((line) => line.replace(/(\.\d{6})\d*\|/, '$1|').replace(/(\|d\|.*\|)\d+$/, '$1')).sort();
}

const waitOutRacy = () => new Promise((resolve) => setTimeout(resolve, 80));

describe('a source that travels by what is new in it', () => {
  it('comes out as it was: modes, times, links, empty folders and files, names in order, long files', async () => {
    await mkdir(join(source, 'a/empty'), { recursive: true });
    await writeFile(join(source, 'a.txt'), 'between a and a/…');
    await writeFile(join(source, 'a/ż ółw\n"'), 'x');
    await writeFile(join(source, 'a/none'), '');
    await writeFile(join(source, 'a/run'), '#!/bin/sh\n');
    await chmod(join(source, 'a/run'), 0o755);
    await utimes(join(source, 'a/run'), 1_000_000.25, 1_000_000.25);
    await symlink('../a.txt', join(source, 'a/link'));
    await symlink('/nowhere', join(source, 'broken'));
    await writeFile(join(source, 'edge'), randomBytes(128 << 10));
    await writeFile(join(source, 'over'), randomBytes((128 << 10) + 1));
    await writeFile(join(source, 'zeros'), Buffer.alloc(3 << 20));
    await writeFile(join(source, 'long'), randomBytes(24 << 20));
    for (let i = 0; i < 700; i++) await writeFile(join(source, `a/f${i}`), `${i}`);
    await chmod(join(source, 'a/empty'), 0o500);
    const sent = await send();
    const target = await layOut(sent.lists);
    expect(tree(target)).toEqual(tree(source));
    execFileSync('diff', ['-r', '--no-dereference', source, target]);
    expect(sent).toMatchObject({ files: 708, bytes: expect.any(Number) });
    expect(sent.sent).toBeGreaterThan(24 << 20);
  });

  it('sends nothing of what is there, and of a long file the part that changed', async () => {
    for (let i = 0; i < 300; i++) await writeFile(join(source, `f${i}`), `${i}\n`.repeat(500));
    await writeFile(join(source, 'long'), randomBytes(24 << 20));
    await waitOutRacy();
    const first = await send();
    const again = await send();
    expect(again.lists).toEqual(first.lists);
    expect(again.sent).toBeLessThan(2000);
    await appendFile(join(source, 'f7'), 'a line\n');
    const changed = await send();
    expect(changed.sent).toBeLessThan(64 << 10);
    const long = await readFile(join(source, 'long'));
    await writeFile(
      join(source, 'long'),
      Buffer.concat([long.subarray(0, 9 << 20), Buffer.from('x'), long.subarray(9 << 20)]),
    );
    await rename(join(source, 'f8'), join(source, 'moved'));
    await rm(join(source, 'f9'));
    const shifted = await send();
    expect(shifted.sent).toBeLessThan(1.2e6);
    execFileSync('diff', ['-r', source, await layOut(shifted.lists)]);
    // and what was sent before is still what it was
    expect(await readFile(join(await layOut(first.lists), 'f9'), 'utf8')).toMatch(/^9\n/);
  });

  it('reads again what changed without a trace in size, and what was written in the tick in which it was read', async () => {
    const file = join(source, 'f');
    await writeFile(file, 'aaaa');
    await send();
    await writeFile(file, 'bbbb'); // the same size, maybe in the same tick
    const second = await send();
    expect(await readFile(join(await layOut(second.lists), 'f'), 'utf8')).toBe('bbbb');
    await waitOutRacy();
    await send();
    await writeFile(file, 'cccc');
    await utimes(file, 1, 1); // a time that was set says nothing; the inode's own change does
    const third = await send();
    expect(await readFile(join(await layOut(third.lists), 'f'), 'utf8')).toBe('cccc');
  });

  it('does without its index, whatever is in it', async () => {
    await writeFile(join(source, 'f'), 'text');
    await waitOutRacy();
    const first = await send();
    const folder = join(root, 'cache/slipway/sources');
    const [index = ''] = execFileSync('ls', [folder], { encoding: 'utf8' }).split('\n');
    for (const damage of ['', 'slipway-index/1\n["f",', 'slipway-index/2\n', '\0\0\0']) {
      await writeFile(join(folder, index), damage);
      expect((await send()).lists).toEqual(first.lists);
    }
  });

  it('refuses a file that changes while it is sent, after it tried again', async () => {
    const file = join(source, 'f');
    await writeFile(file, randomBytes(1 << 20));
    const client = api();
    let changes = 0;
    const { json } = client;
    client.json = async (method, path, body) => {
      const answer = await json(method, path, body);
      if (path.endsWith('/missing') && changes < 2) {
        changes++;
        await truncate(file, (1 << 20) - Math.abs(changes));
      }
      return answer;
    };
    const options = { api: client, project: 'p1', bucket: 'b', folder: source, signal, watch: () => undefined };
    await sendSource(options);
    execFileSync('cmp', [join(await layOut(client.lists), 'f'), file]);
    changes = -1000;
    await writeFile(file, randomBytes(1 << 20));
    await expect(sendSource(options)).rejects.toMatchObject({
      code: 'conflict',
      message: /f changes while it is sent/,
    });
  });

  it("knows nothing of another project's pieces", async () => {
    await writeFile(join(source, 'secret'), 'what p1 alone has\n');
    const { lists } = await send('p1');
    expect((await bench.sources.missing('p2', { lists, pieces: lists })).lists).toEqual(lists);
    expect((await bench.sources.missing('p2', { lists, pieces: lists })).pieces).toEqual(lists);
    await expect(bench.sources.complete('p2', lists)).rejects.toMatchObject({ code: 'not-found' });
    await expect(layOut(lists, 'p2')).rejects.toMatchObject({ code: 'not-found' });
    const again = await send('p2');
    expect(again.sent).toBeGreaterThan(100);
    expect(await readFile(join(await layOut(again.lists, 'p2'), 'secret'), 'utf8')).toBe('what p1 alone has\n');
  });

  it('forgets what no build has used for long, and takes it anew', async () => {
    await writeFile(join(source, 'f'), 'text');
    const { lists } = await send();
    const rows = bench.sourceRows;
    expect(await rows.forget(Date.now() - 60_000)).toBe(0);
    expect(await rows.forget(Date.now() + 1000)).toBeGreaterThan(0);
    await expect(layOut(lists)).rejects.toMatchObject({
      code: 'not-found',
      message: /no build has used them for long/,
    });
    const again = await send();
    expect(again.lists).toEqual(lists);
    expect(await readFile(join(await layOut(again.lists), 'f'), 'utf8')).toBe('text');
  });
});

describe('what a hostile client sends', () => {
  async function pack(...pieces: (string | Buffer)[]): Promise<PieceId[]> {
    const bytes = pieces.map((piece) => Buffer.from(piece));
    async function* body() {
      for (const piece of bytes) yield* frame(piece);
    }
    await bench.sources.receive('p1', body());
    return bytes.map(pieceIdOf);
  }
  const folder = (path: string): TreeEntry => ({ kind: 'folder', path, mode: 0o755, mtime: 0 });
  const link = (path: string, target: string): TreeEntry => ({ kind: 'link', path, target, mtime: 0 });

  it.each<[what: string, entries: (piece: PieceId) => TreeEntry[]]>([
    ['a path that leads out', (piece) => [file('../x', piece)]],
    ['an absolute path', (piece) => [file('/etc/x', piece)]],
    ['a path with an empty part', (piece) => [file('a//x', piece)]],
    ['a path with a zero', (piece) => [file('a\0b', piece)]],
    ['a size that is not that of its pieces', (piece) => [{ ...file('x', piece), size: 3 } as TreeEntry]],
    ['a piece that nobody sent', () => [file('x', pieceIdOf(Buffer.from('never sent')))]],
    ['a mode beyond all bits', (piece) => [{ ...file('x', piece), mode: 0o70000 } as TreeEntry]],
    ['nothing of JSON', () => [{ kind: 'folder', path: 'x', mode: Number.NaN, mtime: 0 } as TreeEntry]],
  ])('%s is refused before it is a source', async (_what, entries) => {
    const [piece = ''] = await pack('evil');
    const [list = ''] = await pack(entries(piece).map(formatEntry).join(''));
    await expect(bench.sources.complete('p1', [list])).rejects.toBeInstanceOf(Problem);
  });

  it.each<[what: string, entries: (piece: PieceId) => TreeEntry[]]>([
    ['a file below a link', (piece) => [link('a', '/tmp'), file('a/x', piece)]],
    ['a name twice', (piece) => [file('a', piece), file('a', piece)]],
    ['a file in place of a link', (piece) => [link('a', '/etc/passwd'), file('a', piece)]],
    ['a folder that was not named', (piece) => [file('a/x', piece)]],
    ['names out of order', (piece) => [folder('b'), folder('a'), file('b/x', piece)]],
  ])('%s fails the build and writes nothing outside', async (_what, entries) => {
    const [piece = ''] = await pack('evil');
    const lists: PieceId[] = [];
    // each entry in a list of its own: no check of one list would see it
    for (const entry of entries(piece)) lists.push(...(await pack(formatEntry(entry))));
    await bench.sources.complete('p1', lists);
    await expect(layOut(lists)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('packs that lie about their lengths are refused, and leave nothing', async () => {
    const broken = [
      Buffer.from([0xff, 0xff, 0xff, 0xff, 1]),
      Buffer.from([0, 0, 0, 9, 1, 2]),
      Buffer.from([0, 0]),
      Buffer.concat(Array.from({ length: 70 }, () => Buffer.concat(frame(Buffer.alloc(1 << 20))))),
    ];
    for (const bytes of broken) {
      async function* body() {
        yield bytes;
      }
      await expect(bench.sources.receive('p1', body())).rejects.toMatchObject({ code: 'invalid' });
    }
    expect(await bench.sources.missing('p1', { lists: [], pieces: [pieceIdOf(Buffer.alloc(1 << 20))] })).toMatchObject({
      pieces: [expect.any(String)],
    });
  });

  const file = (path: string, piece: PieceId): TreeEntry => ({
    kind: 'file',
    path,
    mode: 0o644,
    mtime: 0,
    size: 4,
    pieces: [piece],
    nested: false,
  });
});
