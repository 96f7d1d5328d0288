import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';

const why = await missingForBuilds();
const OURS = 'europe-central2-docker.pkg.dev/demo/cli';

/** Images by their names, from the command line alone. The tests of this file go on from each other. */
describe.skipIf(why !== '')(`images on the command line${why}`, () => {
  let server: TestServer;
  let context: string;

  beforeAll(async () => {
    server = await TestServer.start({ config: await mirrorConfig() });
    context = join(server.folder, 'context');
    await mkdir(context);
    await writeFile(join(context, 'hello'), 'hello\n');
    await writeFile(join(context, 'Dockerfile'), 'FROM busybox\nCOPY hello /\nENV A=1\nCMD ["cat", "/hello"]\n');
  });
  afterAll(() => server?.close());

  const json = async (...args: string[]): Promise<unknown> => JSON.parse(await server.ok(...args, '--json'));

  it('builds, names, tags and lists', async () => {
    expect(await server.ok('images')).toContain('No image has a name here yet');
    expect(await server.ok('build', '-t', 'hello:1', context)).toMatch(/^sha256:[0-9a-f]{64} {2}\d.*\n {2}hello:1\n$/);
    await server.ok('tag', 'hello:1', `${OURS}/hello:1.0.0`);
    const lines = (await server.ok('images'))
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(lines.map((cells) => cells.at(-1))).toEqual(['NAME', 'hello:1', `${OURS}/hello:1.0.0`]);
    const [first, second] = (await json('images')) as { id: string }[];
    expect(first?.id).toBe(second?.id);
    await server.ok('tag', first?.id.slice('sha256:'.length, 'sha256:'.length + 12) ?? '', `${OURS}/hello:latest`);
  });

  it('pushes one tag or all; the registry then serves both', async () => {
    expect(await server.ok('push', `${OURS}/hello:1.0.0`)).toContain(`${OURS}/hello:1.0.0: digest: sha256:`);
    const pushed = (await json('push', '--all-tags', `${OURS}/hello`)) as { tag: string }[];
    expect(pushed.map(({ tag }) => tag).sort()).toEqual(['1.0.0', 'latest']);
    expect(await server.get('/v2/demo/cli/hello/tags/list')).toMatchObject({ tags: ['1.0.0', 'latest'] });
  });

  it('pulls from upstream and from itself, and says which it was', async () => {
    expect(await server.ok('pull', 'busybox')).toMatch(/^docker\.io\/library\/busybox:latest\n {2}digest sha256:/);
    expect(await server.ok('pull', `${OURS}/hello:latest`)).toContain('served from this machine');
    expect(await json('pull', `${OURS}/hello:latest`)).toMatchObject({ fresh: false, own: true });
  });

  it('copies from registry to registry under the same digest', async () => {
    const { digest } = (await json('pull', 'busybox')) as { digest: string };
    expect(await json('copy', 'busybox', `${OURS}/busybox:1`)).toMatchObject({ digest });
    expect(await json('pull', `${OURS}/busybox:1`)).toMatchObject({ digest });
    const again = await server.ok('copy', `${OURS}/busybox:1`, `${OURS}/busybox:2`);
    expect(again).toMatch(
      /busybox:2\n {2}digest sha256:[0-9a-f]{64}, as at the source\n {2}3 manifests: linux\/amd64, linux\/arm64\nblobs: /,
    );
    expect(await json('copy', '--all-tags', `${OURS}/busybox`, `${OURS}/every/busybox`)).toMatchObject({
      images: [
        { target: `${OURS}/every/busybox:1`, digest, referrers: [] },
        { target: `${OURS}/every/busybox:2`, digest, sent: 0 },
      ],
    });
  });

  it('saves into a folder, and loads from it', async () => {
    const folder = join(server.folder, 'layout');
    await server.ok('save', '-o', `${folder}/`, 'hello:1');
    await server.ok('save', '--format', 'oci-dir', '-o', folder, 'busybox');
    const { manifests } = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
    expect(manifests).toHaveLength(2);
    const loaded = (await json('load', '-i', folder)) as { names: string[] }[];
    expect(loaded.flatMap(({ names }) => names)).toEqual([
      'docker.io/library/hello:1',
      'docker.io/library/busybox:latest',
    ]);
    const wrong = await server.cli(['save', '--format', 'oci-dir', 'hello:1']);
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('a folder is not written to standard output'),
    ]);
  });

  it('keeps an image whose name another took, until prune --images', async () => {
    await server.ok('build', '-t', 'moved:1', context);
    await writeFile(join(context, 'hello'), 'hello again\n');
    await server.ok('build', '-t', 'moved:1', context);
    await writeFile(join(context, 'hello'), 'hello, a third time\n');
    await server.ok('build', '-t', 'moved:1', context);
    expect(await server.ok('prune', '--images')).toMatch(/^Removed [12] images? without a name\.\n/);
    expect(await json('prune', '--images')).toMatchObject({ images: 0 });
    await writeFile(join(context, 'hello'), 'hello\n');
    await server.ok('rmi', 'moved:1');
  });

  it('shows the history of an image by its lines, and its base in one', async () => {
    const text = await server.ok('history', 'hello:1');
    expect(text).toMatch(/^ *- .*CMD \["cat" "\/hello"\]$/m);
    expect(text).toMatch(/^2 +sha256:[0-9a-f]{12} .*COPY hello \/$/m);
    expect(text).toMatch(/^… {2}base docker\.io\/library\/busybox:latest\n {3}sha256:[0-9a-f]{64}\n {3}1 layer,/m);
    expect(text).toContain('3 entries, 1 layer: 2 entries are metadata, which makes no layer');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    const rows = (await json('history', 'hello:1')) as { layer?: number; createdBy: string }[];
    expect(rows.filter((row) => row.layer !== undefined).map((row) => row.layer)).toEqual([1, 2]);
    const lines = (await server.ok('history', '--all', 'hello:1')).split('\n');
    expect(lines.filter((line) => / ago /.test(line))).toHaveLength(rows.length);
  });

  it.each<[args: string[], says: string]>([
    [['push', 'nowhere:1'], 'does not exist locally with the tag'],
    [['tag', 'nowhere:1', 'x:1'], 'No such image: nowhere:1'],
    [['tag', 'hello:1', 'UPPER:1'], 'must be lowercase'],
    [['pull', 'a:::b'], 'invalid reference format'],
    [['history', `${OURS}/nowhere:1`], 'is served by this server, and it has no such image'],
    [['build', '-f', 'nope', '.'], 'failed to read dockerfile'],
  ])('%j says what is wrong and ends with 1', async (args, says) => {
    const { code, stderr } = await server.cli(args, { cwd: context });
    expect([code, stderr]).toEqual([1, expect.stringContaining(says)]);
    expect(stderr).not.toMatch(/^\s+at .*:\d+/m);
  });
});
