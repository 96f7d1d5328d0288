import { createHash } from 'node:crypto';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunResult, run } from '../../src/lib/run.ts';
import { temporaryDataFolder } from '../suites/temporary-folder.ts';
import { installed } from './storage-clients.ts';
import { type StorageServer, startStorageServer } from './storage-server.ts';

const REGISTRY = 'europe-central2-docker.pkg.dev';

/** Clients that know a Google host by name alone reach us through the proxy, and believe our authority. */
describe('clients through the proxy', () => {
  let server: StorageServer;
  let token: string;
  let folder: string;
  let remove: () => Promise<void>;
  const file = (name: string) => join(folder, name);

  const client = async (program: string, ...args: string[]): Promise<RunResult> => {
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      XDG_RUNTIME_DIR: folder,
      HTTPS_PROXY: server.url,
      SSL_CERT_FILE: server.folder.ca,
    };
    return run(program, args, { cwd: folder, env, timeout: 120_000 });
  };
  const ok = async (program: string, ...args: string[]): Promise<string> => {
    const result = await client(program, ...args);
    if (result.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.code}\n${result.stderr}`);
    return result.stdout;
  };

  beforeAll(async () => {
    server = await startStorageServer();
    token = await server.token({ role: 'writer', project: 'p1' });
    const made = await temporaryDataFolder();
    folder = made.folder.root;
    remove = made.remove;
    await imageLayout(file('image'));
  });
  afterAll(async () => {
    await server?.close();
    await remove?.();
  });

  it.skipIf(!installed('curl'))('curl with --proxy and --cacert follows a build log', async () => {
    server.projects.set('b-1', 'p1');
    const log = server.logs.writer('b-1');
    log.append('line\n');
    await log.close();
    const url = `https://storage.googleapis.com/${server.logBucket}/log-b-1.txt`;
    const flags = ['-sS', '--fail', '--proxy', server.url, '--cacert', server.folder.ca];
    expect(await ok('curl', ...flags, '-r', '0-', '-H', `Authorization: Bearer ${token}`, url)).toBe('line\n');
    const elsewhere = await client('curl', '-sS', '--proxy', server.url, 'https://example.com/');
    expect([elsewhere.code, elsewhere.stderr]).toEqual([56, expect.stringContaining('403')]);
  });

  it.skipIf(!installed('python3'))('python’s own verifier, as strict as it can be made', async () => {
    const script = `
import http.client, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.verify_flags |= getattr(ssl, 'VERIFY_X509_STRICT', 0)
host, port = sys.argv[1].split(':')
connection = http.client.HTTPSConnection(host, int(port), context=context)
connection.set_tunnel('storage.googleapis.com', 443)
connection.request('GET', '/storage/v1/b/none')
print(connection.getresponse().status)
`;
    expect((await ok('python3', '-c', script, server.host, server.folder.ca)).trim()).toBe('404');
  });

  it.skipIf(!installed('skopeo'))('skopeo pushes and inspects by the Google name', async () => {
    const credentials = `oauth2accesstoken:${token}`;
    const image = `docker://${REGISTRY}/p1/images/skopeo:1`;
    await ok('skopeo', 'copy', '--insecure-policy', '--dest-creds', credentials, `oci:${file('image')}:1`, image);
    const digest = await ok('skopeo', 'inspect', '--creds', credentials, '--format', '{{.Digest}}', image);
    expect(digest).toMatch(/^sha256:/);
    expect(server.requests).toContainEqual(
      expect.stringMatching(`^PUT ${REGISTRY} /v2/p1/images/skopeo/manifests/1 201$`),
    );
  });

  it.skipIf(!installed('podman'))('podman logs in and pulls, with our authority in certs.d', async () => {
    const certificates = file('certs');
    await mkdir(certificates);
    await copyFile(server.folder.ca, join(certificates, 'ca.crt'));
    const flags = ['--root', file('storage'), '--runroot', file('runroot'), '--storage-driver', 'vfs'];
    const cert = ['--cert-dir', certificates];
    await ok('podman', ...flags, 'login', ...cert, '-u', 'oauth2accesstoken', '-p', token, REGISTRY);
    const image = `docker://${REGISTRY}/p1/images/podman:1`;
    await ok('skopeo', 'copy', '--insecure-policy', '--dest-creds', `x:${token}`, `oci:${file('image')}:1`, image);
    expect(await ok('podman', ...flags, 'pull', '-q', ...cert, `${REGISTRY}/p1/images/podman:1`)).toMatch(
      /^[0-9a-f]{64}/,
    );
  });
});

/** An OCI layout with one image of one small layer. */
async function imageLayout(path: string): Promise<void> {
  await mkdir(join(path, 'blobs/sha256'), { recursive: true });
  const blob = async (mediaType: string, bytes: Buffer): Promise<object> => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(path, 'blobs/sha256', hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const layer = Buffer.alloc(1024); // an empty tar: two blocks of zeros
  const diffId = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } };
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: await blob('application/vnd.oci.image.config.v1+json', json(config)),
    layers: [await blob('application/vnd.oci.image.layer.v1.tar', layer)],
  };
  const descriptor = await blob(manifest.mediaType, json(manifest));
  const entry = { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': '1' } };
  await writeFile(join(path, 'index.json'), json({ schemaVersion: 2, manifests: [entry] }));
  await writeFile(join(path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}
