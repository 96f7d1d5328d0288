import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasBusybox } from '../image-build/busybox-base.ts';
import { type ImagesDoor, openImagesDoor } from './images-door.ts';
import { buildWithSteps } from './step-image.ts';

const tar = promisify(execFile);
const TAR = { 'Content-Type': 'application/x-tar' };

describe.skipIf(!hasBusybox)('archives through the Engine API (needs /bin/busybox)', () => {
  let door: ImagesDoor;
  beforeEach(async () => {
    door = await openImagesDoor();
  });
  afterEach(() => door.close());

  /** A tar of files in a folder of the door's. */
  async function tarOf(files: Record<string, string>): Promise<Buffer<ArrayBuffer>> {
    const folder = join(door.folder, 'files');
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const archive = join(door.folder, 'files.tar');
    await tar('tar', ['-C', folder, '-cf', archive, '.']);
    return (await readFile(archive)) as Buffer<ArrayBuffer>;
  }

  async function saved(path: string): Promise<string> {
    const file = join(door.folder, 'saved.tar');
    await tar('curl', ['-sf', '--unix-socket', door.socket, '-o', file, `http://docker${path}`]);
    return file;
  }

  it('saves both layouts at once, with every tag of a name that has none', async () => {
    const { image } = await buildWithSteps(door, ['app:1', 'app:2', 'other:1']);
    const { stdout } = await tar('tar', ['xOf', await saved('/images/app/get'), 'manifest.json']);
    const [entry] = JSON.parse(stdout) as { Config: string; RepoTags: string[]; Layers: string[] }[];
    expect(entry?.Config).toBe(`blobs/sha256/${image.id.slice(7)}`);
    expect(entry?.RepoTags).toEqual(['app:1', 'app:2']);
    const { stdout: list } = await tar('tar', ['tf', join(door.folder, 'saved.tar')]);
    for (const name of ['oci-layout', 'index.json', ...(entry?.Layers ?? [])]) expect(list.split('\n')).toContain(name);
    const byId = await tar('tar', ['xOf', await saved(`/images/get?names=${image.id}`), 'manifest.json']);
    expect(JSON.parse(byId.stdout)).toMatchObject([{ RepoTags: null }]);
    expect(await door.ask('GET', '/images/nope/get')).toEqual({
      status: 404,
      body: { message: 'No such image: nope' },
    });
  });

  it('loads what it saved, packed or not, and says so in the words of dockerd', async () => {
    const { image } = await buildWithSteps(door, ['app:1']);
    const named = (await readFile(await saved('/images/get?names=app:1'))) as Buffer<ArrayBuffer>;
    const nameless = (await readFile(await saved(`/images/get?names=${image.id}`))) as Buffer<ArrayBuffer>;
    await door.ask('DELETE', '/images/app:1');
    expect((await door.ask('POST', '/images/load?quiet=1', gzipSync(named), TAR)).body).toBe(
      `${JSON.stringify({ stream: 'Loaded image: app:1\n' })}\r\n`,
    );
    await door.ask('DELETE', '/images/app:1');
    expect((await door.ask('POST', '/images/load?quiet=1', nameless, TAR)).body).toBe(
      `${JSON.stringify({ stream: `Loaded image ID: ${image.id}\n` })}\r\n`,
    );
    expect(((await door.ask('GET', `/images/${image.id}/json`)).body as { RepoTags: string[] }).RepoTags).toEqual([]);
  });

  it('complains of what is no archive of images inside the stream, as dockerd does, and goes on', async () => {
    const bad = await door.ask('POST', '/images/load?quiet=1', 'garbage', TAR);
    expect(bad.status).toBe(200);
    expect(bad.body).toMatch(/^\{"errorDetail":\{"message":".+"\},"error":".+"\}\r\n$/);
    const none = await door.ask('POST', '/images/load', await tarOf({ a: 'x' }), TAR);
    expect(none.body).toContain('"error":"');
    expect((await door.ask('GET', '/images/json')).body).toEqual([]);
  });

  it('imports a tar of files as an image of one layer', async () => {
    const archive = await tarOf({ hello: 'hello\n' });
    const path = '/images/create?fromSrc=-&repo=imp&tag=1&changes=CMD+%2Fx&changes=ENV+A%3Db&message=said';
    const answer = await door.ask('POST', path, archive);
    const id = (JSON.parse(answer.body as string) as { status: string }).status;
    expect((await door.ask('GET', '/images/imp:1/json')).body).toMatchObject({
      Id: id,
      RepoTags: ['imp:1'],
      Comment: 'said',
      Size: 6,
      Config: { Cmd: ['/bin/sh', '-c', '/x'], Env: ['A=b'] },
    });
    const files = await door.engine.files('imp:1', door.caller());
    expect(files[0]?.entries.map((entry) => entry.path)).toContain('hello');
    expect(await door.ask('POST', '/images/create?fromSrc=-&changes=RUN+x', archive)).toEqual({
      status: 400,
      body: { message: 'run is not a valid change command' },
    });
    await door.ask('POST', '/images/create?fromSrc=-&repo=imp&tag=2', archive);
    expect((await door.ask('GET', '/images/imp:2/history')).body).toMatchObject([{ Comment: 'Imported from -' }]);
    expect((await door.ask('POST', '/images/create?fromSrc=-', 'garbage')).status).toBe(400);
  });

  it('commits what a container changed, on top of its image', async () => {
    const { image } = await buildWithSteps(door, ['app:1']);
    const upper = join(door.folder, 'upper');
    await mkdir(join(upper, 'etc'), { recursive: true });
    await writeFile(join(upper, 'etc', 'new'), 'n\n');
    await tar('mknod', [join(upper, 'home'), 'c', '0', '0']);
    door.containers.push({
      id: 'c'.repeat(64),
      imageId: image.id,
      status: 'exited',
      upper,
      command: ['sh', '-c', 'x'],
    });
    const path =
      '/commit?container=cccc&repo=com&tag=1&author=me&comment=msg&changes=CMD+%5B%22ls%22%5D&changes=ENV+Q%3D2';
    const { status, body } = await door.ask('POST', path, '{}', { 'Content-Type': 'application/json' });
    expect(status).toBe(201);
    const { Id } = body as { Id: string };
    expect((await door.ask('GET', '/images/com:1/json')).body).toMatchObject({
      Id,
      Parent: image.id,
      Author: 'me',
      Comment: 'msg',
      Config: { Cmd: ['ls'], Env: [expect.stringContaining('PATH='), 'X=1', 'Q=2'], User: 'app', Labels: { a: 'b' } },
    });
    const history = (await door.ask('GET', '/images/com:1/history')).body as Record<string, unknown>[];
    expect(history[0]).toMatchObject({ Id, CreatedBy: 'sh -c x', Comment: 'msg', Size: 2 });
    expect(history[1]).toMatchObject({ Id: image.id, Tags: ['app:1'] });
    const top = (await door.engine.files('com:1', door.caller())).at(-1);
    expect(top?.removed).toEqual(['home']);
    expect(top?.entries.map((entry) => entry.path)).toContain('etc/new');
    const refused = await door.ask('POST', '/commit?container=cccc&changes=RUN+x');
    expect(refused).toEqual({ status: 400, body: { message: 'run is not a valid change command' } });
    expect((await door.ask('POST', '/commit?container=nope')).status).toBe(404);
    expect((await door.ask('POST', '/commit?container=cccc&repo=BAD')).status).toBe(400);
  });
});
