import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GrpcClient } from '../../grpc/grpc-client.ts';
import { GrpcError } from '../../grpc/grpc-error.ts';
import { GrpcServices } from '../../grpc/grpc-services.ts';
import { serveGrpc } from '../../grpc/serve-grpc.ts';
import { Auth, FileSend, FileSync } from '../buildkit/gen/filesync_pb.ts';
import type { Packet, PacketSchema, StatSchema } from '../buildkit/gen/fsutil_pb.ts';
import { Secrets } from '../buildkit/gen/secrets_pb.ts';
import { SSH } from '../buildkit/gen/ssh_pb.ts';
import { Upload } from '../buildkit/gen/upload_pb.ts';
import { ClientSession } from './client-session.ts';
import { goMode } from './file-stat.ts';
import { Mirrors } from './mirrors.ts';
import { PACKET } from './packets.ts';

let folder = '';
const closers: (() => Promise<void> | void)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-session-'));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await rm(folder, { recursive: true, force: true });
});

const METHODS = [
  '/moby.filesync.v1.FileSync/DiffCopy',
  '/moby.filesync.v1.FileSend/DiffCopy',
  '/moby.filesync.v1.Auth/Credentials',
  '/moby.buildkit.secrets.v1.Secrets/GetSecret',
  '/moby.sshforward.v1.SSH/CheckAgent',
  '/moby.upload.v1.Upload/Pull',
];

async function session(services: GrpcServices, mirrors = new Mirrors(folder)): Promise<ClientSession> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const opened = new ClientSession(
    { uuid: 'u', name: 'n', sharedKey: 'key', methods: METHODS },
    await GrpcClient.over(socket),
    mirrors,
  );
  const served = serveGrpc(await accepted, services);
  closers.push(async () => {
    opened.close();
    await Promise.all([served, opened.closed]);
    server.close();
  });
  return opened;
}

interface Shown {
  stat: MessageInitShape<typeof StatSchema>;
  bytes?: string;
}

const file = (path: string, bytes: string, mtime = 1_700_000_000_123_456_789n, mode = 0o644): Shown => ({
  stat: { path, mode: goMode('file', mode), size: BigInt(bytes.length), modTime: mtime },
  bytes,
});
const dir = (path: string): Shown => ({
  stat: { path, mode: goMode('folder', 0o755), modTime: 1_600_000_000_000_000_001n },
});
const link = (path: string, linkname: string): Shown => ({ stat: { path, mode: goMode('symlink', 0o777), linkname } });

/** A client with these files; what it is asked and sends is noted. */
function filesOf(shown: () => Shown[]) {
  const asked: string[] = [];
  const metadata: Record<string, unknown>[] = [];
  const services = new GrpcServices().stream(FileSync.method.diffCopy, async function* (requests, call) {
    metadata.push({ ...call.metadata });
    const files = shown();
    for (const { stat } of files) yield { type: PACKET.stat, stat };
    yield { type: PACKET.stat };
    for await (const { type, id } of requests as AsyncIterable<Packet>) {
      if (type === PACKET.fin) {
        yield { type: PACKET.fin };
        return;
      }
      if (type !== PACKET.request) continue;
      const { stat, bytes = '' } = files[id] ?? { stat: {} };
      asked.push(stat.path ?? '');
      if (bytes !== '') yield { type: PACKET.data, id, data: Buffer.from(bytes) };
      yield { type: PACKET.data, id };
    }
  });
  return { services, asked, metadata };
}

const { signal } = new AbortController();

describe('files of a client', () => {
  it('are mirrored with times and modes, and only what has changed is asked for again', async () => {
    let files = [
      file('a.txt', 'one'),
      dir('d'),
      file('d/empty', ''),
      file('d/x', 'two', 1n, 0o4755),
      link('l', 'a.txt'),
      file('z', 'old'),
    ];
    const { services, asked } = filesOf(() => files);
    const client = await session(services);
    const first = await client.openContext('context', { signal });
    expect(asked).toEqual(['a.txt', 'd/empty', 'd/x', 'z']);
    expect(first.receivedBytes).toBe(9);
    const at = (path: string) => join(first.folder, path);
    expect(await readFile(at('d/x'), 'utf8')).toBe('two');
    expect((await stat(at('a.txt'), { bigint: true })).mtimeNs).toBe(1_700_000_000_123_456_789n);
    expect((await stat(at('d/x'))).mode & 0o7777).toBe(0o4755);
    expect((await stat(at('d'), { bigint: true })).mtimeNs).toBe(1_600_000_000_000_000_001n);
    expect(await readlink(at('l'))).toBe('a.txt');
    await first.release();

    const second = await client.openContext('context', { signal });
    expect(second.folder).toBe(first.folder);
    expect(second.receivedBytes).toBe(0);
    expect(asked).toHaveLength(4);
    await second.release();

    files = [file('a.txt', 'ONE', 5n), dir('d'), file('d/x', 'two', 1n, 0o4755), dir('l'), file('l/in', 'in')];
    const third = await client.openContext('context', { signal });
    expect(asked.slice(4)).toEqual(['a.txt', 'l/in']);
    expect(await readdir(third.folder)).toEqual(['a.txt', 'd', 'l']);
    expect(await readdir(at('d'))).toEqual(['x']);
    expect((await stat(at('d'), { bigint: true })).mtimeNs).toBe(1_600_000_000_000_000_001n);
    await third.release();
  });

  it('of builds side by side are in folders of their own, and so are other selections', async () => {
    const { services, asked, metadata } = filesOf(() => [file('a', 'x')]);
    const client = await session(services);
    const both = await Promise.all([client.openContext('c', { signal }), client.openContext('c', { signal })]);
    const other = await client.openContext('c', { signal, followPaths: ['a', 'b*'], exclude: ['.git'] });
    expect(new Set([...both, other].map((each) => each.folder)).size).toBe(3);
    expect(asked).toHaveLength(3);
    expect(metadata.at(-1)).toMatchObject({ 'dir-name': 'c', followpaths: 'a, b*', 'exclude-patterns': '.git' });
    for (const each of [...both, other]) await each.release();
  });

  it('asks for everything where the paths can not be said in headers', async () => {
    const { services, metadata } = filesOf(() => []);
    const client = await session(services);
    const opened = await client.openContext('c', { signal, followPaths: ['żółw'], exclude: ['x'.repeat(40_000)] });
    expect(Object.keys(metadata[0] ?? {})).not.toContain('followpaths');
    expect(Object.keys(metadata[0] ?? {})).not.toContain('exclude-patterns');
    await opened.release();
  });

  it('keep hard links, and drop sockets', async () => {
    const hard = { stat: { path: 'b', mode: goMode('file', 0o644), size: 3n, linkname: 'a', modTime: 7n } };
    const socket = { stat: { path: 's', mode: 0x01000000 | 0o644 } };
    const { services, asked } = filesOf(() => [file('a', 'one', 7n), hard, socket]);
    const client = await session(services);
    for (let n = 0; n < 2; n++) {
      const { folder: at, release } = await client.openContext('c', { signal });
      expect(await readdir(at)).toEqual(['a', 'b']);
      expect((await stat(join(at, 'a'))).ino).toBe((await stat(join(at, 'b'))).ino);
      await release();
    }
    expect(asked).toEqual(['a']);
  });

  it.each<[string, Shown[]]>([
    ['leads out', [file('../x', 'y')]],
    ['is absolute', [file('/tmp/x', 'y')]],
    ['lies below a link', [link('l', '/tmp'), file('l/x', 'y')]],
    ['comes twice', [file('a', 'y'), file('a', 'z')]],
    ['links to what is not listed', [{ stat: { path: 'a', linkname: '../../../etc/passwd', mode: 0o644 } }]],
    ['links through a link', [link('l', '/etc'), { stat: { path: 'm', linkname: 'l/passwd', mode: 0o644 } }]],
    ['is a device', [{ stat: { path: 'a', mode: 0x04000000 | 0o600, devmajor: 1n, devminor: 3n } }]],
    ['has a name of 300 bytes', [file('n'.repeat(300), 'y')]],
  ])('end the build when one %s', async (_, files) => {
    const { services } = filesOf(() => files);
    const client = await session(services);
    await expect(client.openContext('c', { signal })).rejects.toMatchObject({ name: 'Problem' });
  });

  it('that nobody asked for are not taken', async () => {
    const services = new GrpcServices().stream(FileSync.method.diffCopy, async function* () {
      yield { type: PACKET.stat, stat: file('a', 'one').stat };
      yield { type: PACKET.data, id: 7, data: Buffer.from('x') };
    });
    const client = await session(services);
    await expect(client.openContext('c', { signal })).rejects.toThrow('nobody asked for');
  });

  it('that stop in the middle leave nothing half: the next build asks again', async () => {
    let broken = true;
    const { services: whole } = filesOf(() => [file('a', 'whole', 7n)]);
    const broke = new GrpcServices().stream(FileSync.method.diffCopy, async function* (requests, call) {
      if (!broken) {
        const { answer } = whole.find('/moby.filesync.v1.FileSync/DiffCopy');
        return yield* answer(requests, call) as AsyncIterable<MessageInitShape<typeof PacketSchema>>;
      }
      yield { type: PACKET.stat, stat: file('a', 'whole', 7n).stat };
      yield { type: PACKET.stat };
      for await (const { id } of requests as AsyncIterable<Packet>) {
        yield { type: PACKET.data, id, data: Buffer.from('wh') };
        throw new GrpcError('unavailable', 'gone');
      }
    });
    const client = await session(broke);
    await expect(client.openContext('c', { signal })).rejects.toThrow('gone');
    broken = false;
    const { folder: at, receivedBytes, release } = await client.openContext('c', { signal });
    expect(await readFile(join(at, 'a'), 'utf8')).toBe('whole');
    expect(receivedBytes).toBe(5);
    expect(await readdir(join(at, '..', 'incoming'))).toEqual([]);
    await release();
  });

  it('say what the client says when it has none', async () => {
    const services = new GrpcServices().stream(FileSync.method.diffCopy, async function* () {
      yield { type: PACKET.error, data: Buffer.from('no such folder') };
    });
    const client = await session(services);
    await expect(client.openContext('c', { signal })).rejects.toThrow("can't send its files: no such folder");
  });
});

describe('what else a client offers', () => {
  it('secrets and logins, or none', async () => {
    const services = new GrpcServices()
      .unary(Secrets.method.getSecret, async ({ id }) => {
        if (id !== 'tok') throw new GrpcError('not-found', `secret ${id} not found`);
        return { data: Buffer.from('s3') };
      })
      .unary(Auth.method.credentials, async ({ host }) =>
        host === 'registry-1.docker.io' ? { username: '', secret: 'token' } : { username: '', secret: '' },
      );
    const client = await session(services);
    expect(Buffer.from((await client.secret('tok')) ?? []).toString()).toBe('s3');
    expect(await client.secret('other')).toBeUndefined();
    expect(await client.credentials('docker.io')).toEqual({ username: '<token>', password: 'token' });
    expect(await client.credentials('elsewhere')).toBeUndefined();
  });

  it('an ssh agent behind a socket of ours', async () => {
    const services = new GrpcServices()
      .unary(SSH.method.checkAgent, async ({ id }) => {
        if (id !== 'default') throw new GrpcError('unknown', `unset ssh forward key ${id}`);
        return {};
      })
      .stream(SSH.method.forwardAgent, async function* (requests) {
        for await (const { data } of requests) yield { data: Buffer.from(`<${Buffer.from(data).toString()}>`) };
      });
    const client = await session(services);
    expect(await client.ssh('other')).toBeUndefined();
    const path = (await client.ssh('default')) ?? '';
    const socket = connect(path);
    const said = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())));
    socket.write('hello');
    expect(await said).toBe('<hello>');
    socket.destroy();
    client.close();
    await client.closed;
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('its standard input', async () => {
    const services = new GrpcServices().stream(Upload.method.pull, async function* (_, { metadata }) {
      yield { data: Buffer.from(`${metadata['urlpath']} `) };
      yield { data: Buffer.from('bytes') };
    });
    const client = await session(services);
    const chunks: Uint8Array[] = [];
    for await (const chunk of client.upload('/id', signal)) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('/id bytes');
  });

  it('a file for an archive', async () => {
    const written: string[] = [];
    const services = new GrpcServices().stream(FileSend.method.diffCopy, async function* (requests, { metadata }) {
      for await (const { data } of requests) written.push(Buffer.from(data).toString());
      written.push(String(metadata['buildkit-attachable-exporter-id']));
      yield {};
    });
    const client = await session(services);
    const bytes = (async function* () {
      yield Buffer.from('ab');
      yield Buffer.from('c');
    })();
    await client.sendArchive(bytes, { exporter: 1, signal });
    expect(written).toEqual(['ab', 'c', '1']);
  });

  it('a folder for files', async () => {
    const out = join(folder, 'out');
    await mkdir(join(out, 'd'), { recursive: true });
    await writeFile(join(out, 'd', 'big'), 'x'.repeat(100_000));
    await writeFile(join(out, 'a'), 'small');
    const listed: string[] = [];
    let bytes = 0;
    const method = { ...FileSync.method.diffCopy, parent: FileSend };
    const services = new GrpcServices().stream(method, async function* (requests) {
      let open = 0;
      let ended = false;
      for await (const { type, stat: shown, data } of requests as AsyncIterable<Packet>) {
        if (type === PACKET.stat && shown !== undefined) {
          listed.push(shown.path);
          if ((shown.mode & 0x80000000) === 0) {
            open++;
            yield { type: PACKET.request, id: listed.length - 1 };
          }
        } else if (type === PACKET.stat) ended = true;
        else if (type === PACKET.data && data.length === 0) open--;
        else if (type === PACKET.data) bytes += data.length;
        else if (type === PACKET.fin) return;
        if (ended && open === 0) {
          ended = false;
          yield { type: PACKET.fin };
        }
      }
    });
    const client = await session(services);
    await client.sendFolder(out, { signal });
    expect(listed).toEqual(['a', 'd', 'd/big']);
    expect(bytes).toBe(100_005);
  });
});

it('mirrors that were used longest ago go when there are too many, but none that is in use', async () => {
  const mirrors = new Mirrors(folder);
  await mkdir(join(folder, 'mirrors-of-another-boot', 'old'), { recursive: true });
  const held = await mirrors.lease('held');
  for (let n = 0; n < 100; n++) {
    const { release, tree } = await mirrors.lease(`key ${n}`);
    await writeFile(join(tree, 'f'), 'x');
    await release(1);
  }
  const root = join(held.tree, '..', '..');
  expect(await readdir(folder)).toEqual([basename(root)]);
  expect((await readdir(root)).length).toBe(97);
  expect(await mirrors.clear()).toBe(96);
  expect((await readdir(root)).length).toBe(1);
  await held.release(0);
  const passing = await mirrors.lease(undefined);
  await passing.release(5);
  await expect(stat(passing.tree)).rejects.toThrow('ENOENT');
});
