import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime } from '../../../src/containers/runtime.ts';
import { isPublicAddress } from '../../../src/images/remote/address-guard.ts';
import { filesAbove } from '../image-build/image-files.ts';
import { hasRunc } from '../image-build/needs.ts';
import { openTestEngine, type TestEngine, type TestRequest } from '../image-build/test-engine.ts';
import { git } from './git-server.ts';
import { hasSshd, type SshServer, serveSsh } from './ssh-server.ts';

const runtime = (folder: string) => createRuntime({ dataFolder: folder, tag: 'sourcesssh', allowHostNetwork: false });

/** With OpenSSH's own server and agent (Debian: openssh-server). */
describe.skipIf(!hasRunc || !hasSshd)('a repository behind ssh', () => {
  let test: TestEngine;
  let root: string;
  let context: string;
  let server: SshServer;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'slipway-ssh-'));
    context = join(root, 'context');
    const work = join(root, 'work');
    for (const folder of [context, work, join(root, 'ssh')]) await mkdir(folder);
    git(work, 'init', '-q', '-b', 'main');
    await writeFile(join(work, 'a'), 'one');
    await writeFile(join(work, 'Dockerfile'), 'FROM scratch\nCOPY a /built\n');
    git(work, 'add', '-A');
    git(work, 'commit', '-qm', 'one');
    git(root, 'clone', '-q', '--bare', 'work', 'repo.git');
    server = await serveSsh(join(root, 'ssh'));
    test = await openTestEngine({ runtime });
  });
  afterAll(async () => {
    await test?.close();
    await server?.close();
    await rm(root, { recursive: true, force: true });
  });

  const address = (user = 'root') => `ssh://${user}@127.0.0.1:${server.port}${root}/repo.git`;
  const agent = () => server.agent;
  const build = async (request: TestRequest, engine = test) => {
    await engine.build(context, { ...request, tags: ['ssh:1'] });
    const { layers } = await engine.engine.inspect('ssh:1', engine.caller());
    return await filesAbove(engine.deps, layers);
  };
  const add = (from: string, request: TestRequest = {}, engine = test) =>
    build({ dockerfile: { text: `FROM scratch\nADD ${from} /src\n`, name: 'Dockerfile' }, ...request }, engine);

  it('is added, and is a context, by a key of the agent', async () => {
    expect(await add(`${address()}#main`, { ssh: agent })).toMatchObject({ 'src/a': 'file 644 0:0 "one"' });
    expect(await build({ context: { kind: 'url', url: address() }, ssh: agent })).toEqual({
      built: 'file 644 0:0 "one"',
    });
  });

  it('asks for an agent where none was given', async () => {
    await expect(add(address())).rejects.toMatchObject({
      code: 'unavailable',
      hint: 'ssh needs a key: give your agent with --ssh default.',
    });
  });

  it('shows no password of its address, in no message and no progress', async () => {
    const events: unknown[] = [];
    const onEvent = (event: unknown) => events.push(event);
    const error = await build({
      context: { kind: 'url', url: address('root:hidden-word') },
      onEvent,
    }).catch((thrown: Error) => thrown);
    expect(String(error)).toContain(address());
    expect(JSON.stringify([String(error), events])).not.toContain('hidden-word');
    expect(events).not.toEqual([]);
    expect(await add(address('root:hidden-word'), { ssh: agent })).toHaveProperty('src/a');
  });

  it('is not reached at an inner address that the owner did not name', async () => {
    const guarded = await openTestEngine({ runtime, fetch: { allowAddress: isPublicAddress } });
    try {
      await expect(add(address(), { ssh: agent }, guarded)).rejects.toMatchObject({ code: 'denied' });
    } finally {
      await guarded.close();
    }
  });
});
