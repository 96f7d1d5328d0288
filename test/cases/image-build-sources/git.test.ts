import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRuntime } from '../../../src/containers/runtime.ts';
import type { EngineDeps } from '../../../src/engine/deps.ts';
import { GIT_LIMITS, type GitLimits } from '../../../src/engine/sources/git-limits.ts';
import { isPublicAddress } from '../../../src/images/remote/address-guard.ts';
import { filesAbove } from '../image-build/image-files.ts';
import { hasRunc } from '../image-build/needs.ts';
import { openTestEngine, type TestEngine, type TestRequest } from '../image-build/test-engine.ts';
import { answerGit, git, hasGitBackend } from './git-server.ts';
import { serveWeb, type WebServer } from './web-server.ts';

const runtime = (folder: string) => createRuntime({ dataFolder: folder, tag: 'sourcesgit', allowHostNetwork: false });

describe.skipIf(!hasRunc || !hasGitBackend)('files of a repository', () => {
  let test: TestEngine;
  let web: WebServer;
  let root: string;
  let context: string;
  let first: string;
  let second: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'slipway-git-'));
    const work = join(root, 'work');
    await mkdir(join(work, 'app'), { recursive: true });
    git(work, 'init', '-q', '-b', 'main');
    await writeFile(join(work, 'Dockerfile'), 'FROM scratch\nCOPY app /app\n');
    await writeFile(join(work, 'app/a'), 'one');
    await writeFile(join(work, 'app/Dockerfile'), 'FROM scratch\nCOPY a /only-a\n');
    await symlink('/etc', join(work, 'out'));
    git(work, 'add', '-A');
    git(work, 'commit', '-qm', 'one');
    git(work, 'tag', '-a', 'v1', '-m', 'v1');
    first = git(work, 'rev-parse', 'HEAD');
    await writeFile(join(work, 'app/a'), 'two');
    git(work, 'commit', '-qam', 'two');
    second = git(work, 'rev-parse', 'HEAD');
    git(root, 'clone', '-q', '--bare', 'work', 'repo.git');
    await makeSubmodules(root);
    web = await serveWeb((request, response) => {
      if (request.url?.startsWith('/private/') && request.headers.authorization === undefined)
        return void response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
      if (request.url?.startsWith('/silent/')) return;
      request.url = request.url?.replace(/^\/private/, '') ?? '';
      answerGit(root, request, response);
    });
    test = await openTestEngine({ runtime });
  });
  afterAll(async () => {
    await web?.close();
    await test?.close();
    await rm(root, { recursive: true, force: true });
  });
  beforeEach(async () => {
    context = await mkdtemp(join(tmpdir(), 'slipway-context-'));
  });
  afterEach(() => rm(context, { recursive: true }));

  const files = async (request: TestRequest, engine = test) => {
    const { steps } = await engine.build(context, { ...request, tags: ['git:1'] });
    const { layers } = await engine.engine.inspect('git:1', engine.caller());
    return { files: await filesAbove(engine.deps, layers), steps };
  };
  const add = async (line: string, engine = test, request: TestRequest = {}) =>
    await files({ dockerfile: { text: `FROM scratch\n${line}\n`, name: 'Dockerfile' }, ...request }, engine);

  it('adds a branch, a tag, a commit or a folder, without .git, and knows the commit again', async () => {
    const head = await add(`ADD ${web.url}/repo.git /src`);
    expect(head.files).toMatchObject({
      'src/app/a': 'file 644 0:0 "two"',
      'src/out': 'symlink 0:0 -> /etc',
    });
    expect(Object.keys(head.files).some((path) => path.includes('.git'))).toBe(false);
    expect((await add(`ADD ${web.url}/repo.git#main /src`)).steps[0]?.status).toBe('cached');
    expect((await add(`ADD ${web.url}/repo.git#v1:app /src`)).files).toMatchObject({ 'src/a': 'file 644 0:0 "one"' });
    expect((await add(`ADD ${web.url}/repo.git?ref=${first}&subdir=app /s`)).files).toMatchObject({
      's/a': 'file 644 0:0 "one"',
    });
  });

  it('keeps .git when it is told to', async () => {
    const kept = await add(`ADD --keep-git-dir=true ${web.url}/repo.git#v1 /src`);
    expect(Object.keys(kept.files)).toContain('src/.git/HEAD');
  });

  it('holds a ref to its commit', async () => {
    expect((await add(`ADD --checksum=${second} ${web.url}/repo.git#main /x`)).files).toHaveProperty('x/app/a');
    await expect(add(`ADD --checksum=${first} ${web.url}/repo.git#main /x`)).rejects.toMatchObject({
      code: 'invalid',
      place: { ranges: [{ line: 2 }] },
    });
  });

  it('brings submodules, those in them too, by the commit that is meant and without their .git', async () => {
    const { files: found } = await add(`ADD ${web.url}/outer.git /o`);
    expect(found).toMatchObject({
      'o/parts/middle/m': 'file 644 0:0 "m1"',
      'o/parts/middle/inner/i': 'file 644 0:0 "i1"',
    });
    expect(Object.keys(found).filter((path) => path.endsWith('/.git'))).toEqual([]);
    expect((await files({ context: { kind: 'url', url: `${web.url}/outer.git` } })).files).toMatchObject({
      'all/parts/middle/inner/i': 'file 644 0:0 "i1"',
    });
    const without = (await add(`ADD ${web.url}/outer.git?submodules=false /o`)).files;
    expect(without).toHaveProperty('o/Dockerfile');
    expect(without).not.toHaveProperty('o/parts/middle/m');
  });

  it('sends a token for the repository to the submodules of the same host, which are private too', async () => {
    const secret = async (id: string) => (id === 'GIT_AUTH_TOKEN' ? Buffer.from('abc') : undefined);
    const { files: found } = await add(`ADD ${web.url}/private/outer.git /private`, test, { secret });
    expect(found).toHaveProperty('private/parts/middle/inner/i');
  });

  it('says which ref or folder there is not, and lets no link of the repository lead out', async () => {
    await expect(add(`ADD ${web.url}/repo.git#nope /x`)).rejects.toMatchObject({ code: 'not-found' });
    await expect(add(`ADD ${web.url}/repo.git#main:nope /x`)).rejects.toMatchObject({ code: 'not-found' });
    await expect(add(`ADD ${web.url}/repo.git#main:out/ssl /x`)).rejects.toMatchObject({ code: 'not-found' });
    await expect(add(`ADD ${web.url}/nope.git /x`)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is a context, whose Dockerfile is in its folder', async () => {
    const url = (rest: string) => ({ context: { kind: 'url' as const, url: `${web.url}/repo.git${rest}` } });
    expect((await files(url(''))).files).toMatchObject({ 'app/a': 'file 644 0:0 "two"' });
    expect((await files(url('#v1:app'))).files).toEqual({ 'only-a': 'file 644 0:0 "one"' });
    expect((await files({ ...url('#v1'), dockerfile: { path: 'app/Dockerfile' } }).catch((error) => error)).code).toBe(
      'not-found',
    );
  });

  it('gives a token to the host of the repository', async () => {
    const secret = async (id: string) => (id === 'GIT_AUTH_TOKEN' ? Buffer.from('abc') : undefined);
    await expect(add(`ADD ${web.url}/private/repo.git /p`)).rejects.toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining('GIT_AUTH_TOKEN'),
    });
    expect((await add(`ADD ${web.url}/private/repo.git /p`, test, { secret })).files).toHaveProperty('p/app/a');
    expect(web.requests.at(-1)?.headers.authorization).toBe(
      `basic ${Buffer.from('x-access-token:abc').toString('base64')}`,
    );
  });

  it('ends a repository that is too large or takes too long, and says which setting it was', async () => {
    const limited = async (git: Partial<GitLimits>, line: string) => {
      const engine = await openTestEngine({ runtime, git: { ...GIT_LIMITS, ...git } });
      try {
        const error = await add(line, engine).catch((thrown: unknown) => thrown);
        expect(await readdir(join(engine.folder, 'snapshots/a'))).toEqual([]);
        return error;
      } finally {
        await engine.close();
      }
    };
    expect(await limited({ maxBytes: 10_000 }, `ADD ${web.url}/repo.git /x`)).toMatchObject({
      code: 'exhausted',
      message: `git: ${web.url}/repo.git: the repository is larger than 10 kB with its history`,
      hint: expect.stringContaining('fetch.gitMaxBytes'),
    });
    expect(await limited({ maxSeconds: 1 }, `ADD ${web.url}/silent/repo.git /x`)).toMatchObject({
      code: 'exhausted',
      message: expect.stringContaining('took longer than 1.0 s'),
    });
    expect(await limited({ maxOutputBytes: 20 }, `ADD ${web.url}/repo.git#main /x`)).toMatchObject({
      code: 'exhausted',
      message: expect.stringContaining('answers with more than 20 B'),
    });
  });

  it('reaches no inner address that the owner did not name', async () => {
    const fetch: EngineDeps['fetch'] = { allowAddress: isPublicAddress };
    const guarded = await openTestEngine({ runtime, fetch });
    try {
      await expect(add(`ADD ${web.url}/repo.git /x`, guarded)).rejects.toMatchObject({ code: 'denied' });
      expect(await readdir(join(guarded.folder, 'snapshots/a'))).toEqual([]);
    } finally {
      await guarded.close();
    }
  });
});

/** outer.git holds middle.git, which holds inner.git, each by a commit that is no branch's tip any more. */
async function makeSubmodules(root: string): Promise<void> {
  for (const [name, file, part] of [
    ['inner', 'i'],
    ['middle', 'm', 'inner'],
    ['outer', 'o', 'middle'],
  ] as const) {
    const work = join(root, name);
    await mkdir(work);
    git(work, 'init', '-q', '-b', 'main');
    await writeFile(join(work, file), `${file}1`);
    await writeFile(join(work, 'Dockerfile'), 'FROM scratch\nCOPY . /all\n');
    if (part !== undefined) {
      const path = part === 'middle' ? 'parts/middle' : part;
      git(work, 'submodule', '--quiet', 'add', `${root}/${part}.git`, path);
      git(work, 'config', '-f', '.gitmodules', `submodule.${path}.url`, `../${part}.git`);
      git(join(work, path), 'checkout', '-q', 'HEAD~1');
    }
    git(work, 'add', '-A');
    git(work, 'commit', '-qm', 'one');
    await writeFile(join(work, file), `${file}2`);
    git(work, 'commit', '-qam', 'two');
    git(root, 'clone', '-q', '--bare', name, `${name}.git`);
  }
}
