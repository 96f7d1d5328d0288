import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrorConfig, missingForBuilds, TestServer } from '../../wire/server.ts';

const why = await missingForBuilds();
const ROOT = join(import.meta.dirname, '../../..');

describe.skipIf(why !== '')(`the server from the command line${why}`, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ config: await mirrorConfig() });
  });
  afterAll(() => server?.close());

  const lines = (text: string) => text.trimEnd().split('\n');

  it('says where it runs', async () => {
    expect(await server.ok('status')).toContain(`at ${server.url}, process ${server.pid}`);
    expect(JSON.parse(await server.ok('status', '--json'))).toMatchObject({ url: server.url, data: server.data });
  });

  it('makes tokens that open the doors until they are revoked', async () => {
    const made = await server.cli(['token', 'create', '--role', 'writer', '--note', 'a job', '--expires', '1h']);
    const secret = made.stdout.trim();
    const id = /^Token (\S+): writer of demo/.exec(made.stderr)?.[1] ?? '';
    const ask = () => fetch(`${server.url}/v2/`, { headers: { authorization: `Bearer ${secret}` } });
    expect((await ask()).status).toBe(200);
    expect(lines(await server.ok('token', 'list')).find((line) => line.startsWith(id))).toContain('a job');
    expect(await server.ok('token', 'list', '--json')).not.toContain(secret);
    expect(await server.ok('token', 'revoke', id)).toBe(`revoked ${id}\n`);
    expect((await ask()).status).toBe(401);
    expect((await server.cli(['token', 'revoke', id])).code).toBe(1);
  });

  it('makes tokens for single repositories, and refuses what names none', async () => {
    const wanted = ['token', 'create', '--repository', 'shop/live/*', '--repository', 'web', '--note', 'two'];
    const made = await server.cli(wanted);
    expect(made.stderr).toContain('reader of shop/live, demo/web');
    const ask = (path: string) =>
      fetch(`${server.url}/v2/${path}/tags/list`, { headers: { authorization: `Bearer ${made.stdout.trim()}` } });
    expect([(await ask('shop/live/api')).status, (await ask('demo/web/a')).status]).toEqual([404, 404]);
    expect([(await ask('shop/other/api')).status, (await ask('demo/x/a')).status]).toEqual([403, 403]);
    const wrong = await server.cli(['token', 'create', '--repository', 'shop/*/x']);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('names no repositories')]);
  });

  it('logs docker in by itself, at its own hosts alone', async () => {
    const helper = (host: string) => server.cli(['docker-credential', 'get'], { input: `${host}\n` });
    const host = new URL(server.url).host;
    const login = JSON.parse((await helper(`https://${host}/v2/`)).stdout) as { Username: string; Secret: string };
    const basic = Buffer.from(`${login.Username}:${login.Secret}`).toString('base64');
    expect((await fetch(`${server.url}/v2/`, { headers: { authorization: `Basic ${basic}` } })).status).toBe(200);
    for (const elsewhere of ['docker.io', 'europe-central2-docker.pkg.dev', 'evil.example'])
      expect(await helper(elsewhere)).toMatchObject({ code: 1, stdout: 'credentials not found in native keychain\n' });
  });

  it('logs in at names of Google only clients that come through its own proxy', async () => {
    const helper = (proxy: string) =>
      server.cli(['docker-credential', 'get'], {
        input: 'europe-central2-docker.pkg.dev\n',
        env: { HTTPS_PROXY: proxy },
      });
    expect(await helper(server.url)).toMatchObject({ code: 0, stdout: expect.stringContaining('oauth2accesstoken') });
    for (const proxy of ['http://proxy.example:3128', 'europe-central2-docker.pkg.dev', ''])
      expect(await helper(proxy)).toMatchObject({ code: 1 });
  });

  it('examines itself', async () => {
    const text = await server.ok('doctor');
    expect(text).toMatch(/^ok {3}stored bytes /m);
    expect(text).toMatch(/All is well\.\n$/);
    const checks = lines(await server.ok('doctor', '--json', '--quick')).map((line) => JSON.parse(line) as object);
    expect(checks).toContainEqual(expect.objectContaining({ check: 'containers', ok: true }));
    expect(checks).not.toContainEqual(expect.objectContaining({ check: 'stored bytes' }));
  });

  it('cancels the build on Ctrl-C in submit, and shows so', async () => {
    const source = join(server.folder, 'sleepy');
    await mkdir(source);
    const step = 'steps:\n- name: busybox\n  entrypoint: sh\n  args: [-c, "echo begun; sleep 3022"]\n';
    await writeFile(join(source, 'cloudbuild.yaml'), step);
    const submit = spawn(
      process.execPath,
      ['--import', join(ROOT, 'node_modules/tsx/dist/esm/index.mjs'), join(ROOT, 'src/start/main.ts'), 'submit'],
      { cwd: source, env: { ...process.env, SLIPWAY_DATA: server.data }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let err = '';
    submit.stderr.on('data', (chunk) => {
      err += String(chunk);
    });
    submit.stdout.on('data', (chunk) => {
      if (/^begun|: begun/m.test(String(chunk))) submit.kill('SIGINT');
    });
    expect((await once(submit, 'exit'))[0]).toBe(1);
    const id = /^Build (\S+)$/m.exec(err)?.[1] ?? '';
    expect(err).toMatch(/^Cancelling the build\nCANCELLED/m);
    expect((await server.build(id)).status).toBe('CANCELLED');
    expect(await server.ok('builds', 'list')).toMatch(new RegExp(`^${id} .* CANCELLED`, 'm'));
    const missing = await server.cli(['builds', 'log', '00000000-0000-0000-0000-000000000000']);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('slipway builds list shows the ids')]);
  });

  it('takes no second owner, and says who the first is', async () => {
    const { code, stderr } = await server.cli(['serve', '--listen', '127.0.0.1:0']);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`is owned by process ${server.pid} (slipway serve)`)]);
  });
});
