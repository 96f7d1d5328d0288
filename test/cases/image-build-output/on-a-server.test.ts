import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run as runProgram } from '../../../src/lib/run.ts';
import { mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';

const run = promisify(execFile);
const why = await missingForBuilds();
const OWN = 'europe-central2-docker.pkg.dev';
const STATEMENT = 'application/vnd.in-toto+json';

describe.skipIf(why !== '')(`outputs of builds on a server${why}`, () => {
  let server: TestServer;
  let context: string;
  beforeAll(async () => {
    server = await TestServer.start({ config: await mirrorConfig() });
    context = await server.source('context', {
      Dockerfile:
        'FROM busybox AS shared\nARG PASSWORD\nRUN echo shared > /shared\nFROM scratch AS files\nCOPY --from=shared /shared /out/shared\nFROM shared AS api\nLABEL role=api\n',
      'cloudbuild.yaml': `steps:
- name: gcr.io/cloud-builders/docker
  args: [build, --target, files, -o, 'type=local,dest=made', --output, 'type=docker,dest=archives/api.tar,name=api:1', '.']
- name: busybox
  args: [sh, -c, 'cat made/out/shared && ls -l archives && tar -tf archives/api.tar']
`,
      'outside.yaml': `steps:
- name: gcr.io/cloud-builders/docker
  args: [build, --output, '/etc/made', '.']
`,
    });
  });
  afterAll(() => server?.close());

  const registry = async (path: string, accept?: string): Promise<Response> =>
    await fetch(`${server.url}/v2/${path}`, {
      headers: { authorization: `Bearer ${await server.token()}`, ...(accept === undefined ? {} : { accept }) },
    });

  it('pushes what it says of an image along, and the registry lists it', async () => {
    const name = `${OWN}/demo/team/api`;
    const said = await server.ok(
      ...['build', '--target', `api=${name}:1`, '--target', `shared=${name}-base:1`],
      ...['--provenance', 'max', '--build-arg', 'VERSION=7', '--push', context],
    );
    const digest = /^sha256:\w+/m.exec(said)?.[0] ?? '';
    expect(said).toContain(`pushed ${name}:1`);
    expect(said).toContain(`pushed ${name}-base:1`);
    const list = (await (
      await registry(`demo/team/api/referrers/${digest}?artifactType=${encodeURIComponent(STATEMENT)}`)
    ).json()) as {
      manifests: { digest: string; artifactType: string }[];
    };
    expect(list.manifests).toMatchObject([{ artifactType: STATEMENT }]);
    const artifact = (await (await registry(`demo/team/api/manifests/${list.manifests[0]?.digest}`)).json()) as {
      subject: { digest: string };
      layers: { digest: string; mediaType: string }[];
    };
    expect(artifact.subject.digest).toBe(digest);
    const statement = (await (await registry(`demo/team/api/blobs/${artifact.layers[0]?.digest}`)).json()) as {
      predicate: { buildDefinition: Record<string, unknown>; runDetails: { byproducts: unknown[] } };
    };
    expect(statement).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'https://slsa.dev/provenance/v1',
      subject: [{ name: `${name}:1`, digest: { sha256: digest.slice('sha256:'.length) } }],
    });
    expect(statement.predicate.buildDefinition).toMatchObject({
      buildType: 'urn:slipway:build:dockerfile:v1',
      externalParameters: { target: 'api', buildArgs: { VERSION: '7' } },
      resolvedDependencies: [{ uri: expect.stringMatching(/^pkg:docker\/busybox@latest\?platform=linux%2F/) }],
    });
    const inspected = await server.clientOk('skopeo', [
      ...[
        'inspect',
        '--tls-verify=false',
        '--registry-token',
        await server.token(),
        `docker://${server.host}/demo/team/api@${digest}`,
      ],
    ]);
    expect(JSON.parse(inspected.stdout)).toMatchObject({ Digest: digest, Labels: { role: 'api' } });
  });

  it('takes it to other registries too', async () => {
    const far = await TestServer.start();
    try {
      const passwordFile = join(server.folder, 'far-token');
      await writeFile(passwordFile, await far.token(), { mode: 0o600 });
      const config = join(server.data, 'slipway.yaml');
      await writeFile(
        config,
        `${await mirrorConfig()}  credentials:\n    "${far.host}": { username: token, passwordFile: ${passwordFile} }\n`,
      );
      await server.stop();
      await server.restart();
      const said = await server.ok(
        'build',
        '-t',
        `${far.host}/demo/team/far:1`,
        '--provenance',
        'min',
        '--push',
        context,
      );
      const digest = /^sha256:\w+/m.exec(said)?.[0] ?? '';
      expect(await far.get(`/v2/demo/team/far/referrers/${digest}`)).toMatchObject({
        manifests: [{ artifactType: STATEMENT }],
      });
    } finally {
      await far.close();
    }
  });

  it('says less when less is asked for', async () => {
    const name = `${OWN}/demo/team/less`;
    const said = await server.ok(
      'build',
      '-t',
      `${name}:1`,
      '--provenance',
      'min',
      '--build-arg',
      'PASSWORD=hidden',
      '--push',
      context,
    );
    const digest = /^sha256:\w+/m.exec(said)?.[0] ?? '';
    const list = (await (await registry(`demo/team/less/referrers/${digest}`)).json()) as {
      manifests: { digest: string }[];
    };
    const artifact = (await (await registry(`demo/team/less/manifests/${list.manifests[0]?.digest}`)).json()) as {
      layers: { digest: string }[];
    };
    const text = await (await registry(`demo/team/less/blobs/${artifact.layers[0]?.digest}`)).text();
    expect(text).toContain('resolvedDependencies');
    expect(text).not.toContain('hidden');
  });

  it('writes files, and an archive to standard output with nothing else in it', async () => {
    const out = join(server.folder, 'out');
    await server.ok('build', '--target', 'files', '--output', out, context);
    expect(await readFile(join(out, 'out/shared'), 'utf8')).toBe('shared\n');
    const archive = join(server.folder, 'piped.tar');
    const script = `exec "$0" "$@" > ${archive}`;
    const piped = await shell(script, [
      'build',
      '--output',
      'type=docker,name=piped:2',
      '--output',
      'type=image,name=also:1',
      context,
    ]);
    expect(piped.code).toBe(0);
    expect(piped.stderr).toContain('exporting to docker image format');
    const { stdout } = await run('skopeo', ['inspect', '--config', `docker-archive:${archive}:piped:2`]);
    expect(JSON.parse(stdout)).toMatchObject({ config: { Labels: { role: 'api' } } });
    expect(await server.ok('images')).toContain('also:1');
  });

  it('leaves nothing of an archive that could not be made', async () => {
    const failing = await server.source('failing', { Dockerfile: 'FROM busybox\nRUN exit 3\n' });
    const before = (await readdir(server.folder)).sort();
    const { code } = await server.cli([
      'build',
      '--output',
      `type=oci,dest=${join(server.folder, 'never.tar')}`,
      failing,
    ]);
    expect(code).toBe(1);
    expect((await readdir(server.folder)).sort()).toEqual(before);
  });

  it('saves into a pipe, and loads out of one', async () => {
    await server.ok('build', '-t', 'saved:1', context);
    const digest = imageDigest(await server.ok('images', '--json'), 'saved:1');
    const piped = await shell('"$0" "$@" | gzip > saved.tar.gz', ['save', 'saved:1']);
    expect(piped).toMatchObject({ code: 0, stderr: '' });
    const other = await TestServer.start();
    try {
      const loaded = await shell('gunzip < saved.tar.gz | "$0" "$@"', ['load', '--data', other.data]);
      expect(loaded).toMatchObject({ code: 0, stdout: `${digest}\n  saved:1\n` });
      const again = await other.cli(['load', '-i', join(server.folder, 'saved.tar.gz'), '--tag', 'other:name']);
      expect(again.stdout).toContain('  other:name\n');
      expect(await other.cli(['load', '-i', join(server.folder, 'no-such-file')])).toMatchObject({ code: 1 });
    } finally {
      await other.close();
    }
  });

  it('writes into the workspace of a build, for the steps that follow, and nowhere else', async () => {
    const { build, log } = await server.submit(context, '--config', join(context, 'cloudbuild.yaml'));
    expect(build.status, log).toBe('SUCCESS');
    expect(log).toContain('shared');
    expect(log).toMatch(/-rw-r--r-- .* api\.tar/);
    expect(log).toContain('manifest.json');
    const outside = await server.submit(context, '--config', join(context, 'outside.yaml'));
    expect(outside.build.status).toBe('FAILURE');
    expect(outside.log).toContain('/etc/made: no such file or directory');
  });

  /** The command line within a shell; `$0` and `$@` of the script are the command. */
  async function shell(
    script: string,
    args: readonly string[],
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const root = join(import.meta.dirname, '../../..');
    const command = [join(root, 'node_modules/tsx/dist/esm/index.mjs'), join(root, 'src/start/main.ts')];
    return await runProgram('sh', ['-c', script, process.execPath, '--import', ...command, ...args], {
      cwd: server.folder,
      env: { ...process.env, SLIPWAY_DATA: server.data },
      timeout: 120_000,
    });
  }
});

function imageDigest(list: string, name: string): string | undefined {
  const images = JSON.parse(list) as { name: string; target: { digest: string } }[];
  return images.find((image) => image.name.endsWith(name))?.target.digest;
}
