import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Build } from '../../../src/builds/build.ts';
import type { BuildRequest } from '../../../src/builds/request/request.ts';
import { runBuild } from '../../../src/builds/run/run-build.ts';
import { createRuntime } from '../../../src/containers/runtime.ts';
import { GIT_LIMITS } from '../../../src/engine/sources/git-limits.ts';
import { GitSandbox } from '../../../src/engine/sources/git-sandbox.ts';
import { isPublicAddress } from '../../../src/images/remote/address-guard.ts';
import { NOTHING_LEFT, openBench } from '../build-log/build-bench.ts';
import { hasRunc } from '../image-build/needs.ts';
import { answerGit, git, hasGitBackend } from '../image-build-sources/git-server.ts';
import { serveWeb, type WebServer } from '../image-build-sources/web-server.ts';

/** What the first step of a build found. */
interface Seen {
  cwd: string;
  files: Record<string, string>;
  /** What git says there, as root. */
  head: string;
  status: string;
  owner: number;
}

describe.skipIf(!hasRunc || !hasGitBackend)('a build of a repository', () => {
  let root: string;
  let web: WebServer;
  let bench: Awaited<ReturnType<typeof openBench>>;
  let first: string;
  let second: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'slipway-build-git-'));
    const work = join(root, 'work');
    await mkdir(join(work, 'app'), { recursive: true });
    git(work, 'init', '-q', '-b', 'main');
    await writeFile(join(work, 'app/a'), 'one');
    await symlink('/etc', join(work, 'out'));
    git(work, 'add', '-A');
    git(work, 'commit', '-qm', 'one');
    git(work, 'tag', '-a', 'v1', '-m', 'v1');
    first = git(work, 'rev-parse', 'HEAD');
    git(work, 'branch', 'release-1');
    await writeFile(join(work, 'app/a'), 'two');
    git(work, 'commit', '-qam', 'two \u001b[31mred');
    second = git(work, 'rev-parse', 'HEAD');
    git(root, 'clone', '-q', '--bare', 'work', 'repo.git');
    const outer = join(root, 'outer');
    await mkdir(outer);
    git(outer, 'init', '-q', '-b', 'main');
    git(outer, 'submodule', '-q', 'add', '../repo.git', 'part');
    git(outer, 'config', '-f', '.gitmodules', 'submodule.part.url', '../repo.git');
    git(outer, 'commit', '-qam', 'outer');
    git(root, 'clone', '-q', '--bare', 'outer', 'outer.git');
    git(outer, 'config', '-f', '.gitmodules', 'submodule.part.url', '../gone.git');
    git(outer, 'commit', '-qam', 'lost');
    git(root, 'clone', '-q', '--bare', 'outer', 'lost.git');
    web = await serveWeb((request, response) => {
      if (request.url?.startsWith('/private/')) {
        if (request.headers.authorization === undefined)
          return void response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
        request.url = request.url.replace('/private', '');
      }
      answerGit(root, request, response);
    });
    bench = await openBench();
    const runtime = createRuntime({ dataFolder: join(root, 'data'), tag: 'buildgit', allowHostNetwork: false });
    await mkdir(join(root, 'data'));
    const rules = { allowAddress: isPublicAddress, isNamed: (host: string) => host === new URL(web.url).host };
    bench.deps.sources = {
      snapshots: bench.snapshots,
      git: new GitSandbox(runtime, rules, GIT_LIMITS),
      repositories: {
        resolveRepository: async (project, name) =>
          project === 'p1' && ['hello', 'projects/p1/locations/l/connections/c/repositories/hello'].includes(name)
            ? { url: `${web.url}/private/repo.git`, credentials: 'reader:token' }
            : undefined,
      },
    };
  });
  afterAll(async () => {
    const left = await bench?.leftovers();
    await web?.close();
    await bench?.close();
    await rm(root, { recursive: true, force: true });
    expect(left).toEqual(NOTHING_LEFT);
  });

  async function build(request: Omit<BuildRequest, 'steps'>): Promise<{ build: Build; log: string; seen?: Seen }> {
    let seen: Seen | undefined;
    const { containers } = bench.deps;
    const deps: typeof bench.deps = {
      ...bench.deps,
      containers: {
        ...containers,
        run: async (spec, io) => {
          const mount = spec.mounts.find(({ target }) => target === '/workspace');
          if (mount?.kind === 'bind') seen = await look(mount.source, spec.cwd);
          return containers.run(spec, io);
        },
      },
    };
    const queued = await bench.submit({ ...request, steps: [{ name: 'busybox', args: ['say', 'hi'], dir: 'x' }] });
    const ended = await runBuild(queued, deps, new AbortController().signal);
    if (ended === undefined) throw new Error('the build was not queued');
    return { build: ended, log: (await bench.logOf(ended.id)) ?? '', ...(seen === undefined ? {} : { seen }) };
  }

  async function look(folder: string, cwd: string): Promise<Seen> {
    const run = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
    const names = execFileSync('find', ['.', '-name', '.git', '-prune', '-o', '-type', 'f', '-print'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const files: Record<string, string> = {};
    for (const name of names.split('\n').filter(Boolean))
      files[name.slice(2)] = await readFile(join(folder, name), 'utf8');
    const isGit = await stat(join(folder, '.git')).catch(() => undefined);
    return {
      cwd,
      files,
      head: isGit ? run('rev-parse', 'HEAD') : '',
      status: isGit ? run('status', '--porcelain') : '',
      owner: (await stat(join(folder, '.'))).uid,
    };
  }

  const url = () => `${web.url}/repo.git`;

  it('has the branch with its .git, owned by root, and says in the log what it is', async () => {
    const {
      build: ended,
      log,
      seen,
    } = await build({ source: { gitSource: { url: url(), revision: 'main', dir: 'app' } } });
    expect(ended.status).toBe('SUCCESS');
    expect(seen).toEqual({ cwd: '/workspace/app/x', files: { 'app/a': 'two' }, head: second, status: '', owner: 0 });
    expect(log).toContain(
      `FETCHSOURCE\nFrom ${url()}\n * branch            ${second} -> FETCH_HEAD\nHEAD is now at ${second.slice(0, 7)} two  [31mred\nGitCommit:\n${second}\nBUILD\n`,
    );
    expect(ended.sourceProvenance).toEqual({ resolvedGitSource: { url: url(), revision: second, dir: 'app' } });
    expect(ended.timing?.FETCHSOURCE?.endTime).toBeDefined();
  });

  it('has a tag, a commit, or what HEAD means; hashes of its files when they are asked for', async () => {
    const [tagged, exact, head] = await Promise.all([
      build({ source: { gitSource: { url: url(), revision: 'v1' } } }),
      build({
        source: { gitSource: { url: url(), revision: first } },
        options: { sourceProvenanceHash: ['SHA256', 'MD5'] },
      }),
      build({ source: { gitSource: { url: url() } } }),
    ]);
    expect([tagged.seen?.head, exact.seen?.head, head.seen?.head]).toEqual([first, first, second]);
    expect(exact.build.sourceProvenance?.fileHashes).toEqual({
      'app/a': {
        fileHash: [
          { type: 'SHA256', value: 'dpLDmCZXmzFlzxVmzFjZZ6oWlfIsDLxE+8nJWlp5U5k=' },
          { type: 'MD5', value: '+Vxd1fPkxlyN1bAZ8xrqAQ==' },
        ].map((hash) => ({ ...hash, value: expect.any(String) })),
      },
    });
  });

  it('brings submodules where they can be had, and goes on without them where not', async () => {
    const whole = await build({ source: { gitSource: { url: `${web.url}/outer.git` } } });
    expect(whole.seen?.files).toMatchObject({ 'part/app/a': 'two' });
    expect(whole.seen?.status).toBe('');
    const lost = await build({ source: { gitSource: { url: `${web.url}/lost.git` } } });
    expect(lost.build.status).toBe('SUCCESS');
    expect(lost.log).toContain('Submodules could not be fetched and stay empty');
  });

  it('names connected repositories, with credentials that nothing shows', async () => {
    const repository = 'projects/p1/locations/l/connections/c/repositories/hello';
    const [branch, tag, connected] = await Promise.all([
      build({ source: { repoSource: { repoName: 'hello', branchName: '^release-' } } }),
      build({ source: { repoSource: { repoName: 'hello', tagName: 'v.*', dir: 'app' } } }),
      build({ source: { connectedRepository: { repository, revision: 'main' } } }),
    ]);
    expect([branch.seen?.head, tag.seen?.head, connected.seen?.head]).toEqual([first, first, second]);
    expect(tag.seen?.cwd).toBe('/workspace/app/x');
    expect(branch.build.sourceProvenance).toEqual({ resolvedRepoSource: { repoName: 'hello', commitSha: first } });
    expect(connected.build.sourceProvenance).toEqual({ resolvedConnectedRepository: { repository, revision: second } });
    expect(JSON.stringify(branch)).not.toMatch(/reader|token/);
  });

  it('fetches dependencies to their places, and nothing at all when one says so', async () => {
    const { seen } = await build({
      source: { gitSource: { url: url(), revision: first } },
      dependencies: [
        { gitSource: { repository: { url: url() }, revision: 'main', destPath: 'third/party', depth: '-1' } },
        {
          gitSource: { repository: { url: `${web.url}/outer.git` }, destPath: '/workspace/o', recurseSubmodules: true },
        },
      ],
    });
    expect(seen?.files).toMatchObject({ 'app/a': 'one', 'third/party/app/a': 'two', 'o/part/app/a': 'two' });
    const empty = await build({ source: { gitSource: { url: url() } }, dependencies: [{ empty: true }] });
    expect(empty.seen?.files).toEqual({});
    expect(empty.log).not.toContain('FETCHSOURCE');
  });

  it.each<[what: string, request: () => Omit<BuildRequest, 'steps'>, message: RegExp]>([
    [
      'an unknown ref',
      () => ({ source: { gitSource: { url: url(), revision: 'nope' } } }),
      /does not contain ref nope/,
    ],
    [
      'an option as a ref',
      () => ({ source: { gitSource: { url: url(), revision: '--upload-pack=x' } } }),
      /no name of a/,
    ],
    ['a folder that is not there', () => ({ source: { gitSource: { url: url(), dir: 'no' } } }), /has no folder no at/],
    ['a folder outside', () => ({ source: { gitSource: { url: url(), dir: '../x' } } }), /must be a relative path/],
    [
      'a link that leads out as folder',
      () => ({ source: { gitSource: { url: url(), dir: 'out' } } }),
      /has no folder out/,
    ],
    ['a file of this machine', () => ({ source: { gitSource: { url: 'file:///etc' } } }), /no protocol that/],
    [
      'an inner address',
      () => ({ source: { gitSource: { url: 'http://127.0.0.1:9/x.git' } } }),
      /makes no connections there/,
    ],
    [
      'credentials',
      () => ({ source: { gitSource: { url: `${web.url}/private/repo.git` } } }),
      /could not read Username/,
    ],
    [
      'nothing of that name',
      () => ({ source: { repoSource: { repoName: 'x', branchName: 'm' } } }),
      /is not connected to project p1/,
    ],
    [
      'another project',
      () => ({ source: { repoSource: { projectId: 'p2', repoName: 'hello', tagName: 'v' } } }),
      /is project p2's/,
    ],
    [
      'several branches',
      () => ({ source: { repoSource: { repoName: 'hello', branchName: '.' } } }),
      /2 of hello match branch \.: main, release-1/,
    ],
    [
      'a place that is taken',
      () => ({
        source: { gitSource: { url: url() } },
        dependencies: [{ gitSource: { repository: { url: url() }, destPath: 'app' } }],
      }),
      /destPath app is taken by the source/,
    ],
    [
      'a place outside, by a link of the source',
      () => ({
        source: { gitSource: { url: url() } },
        dependencies: [{ gitSource: { repository: { url: url() }, destPath: 'out/../../x' } }],
      }),
      /is no folder below \/workspace/,
    ],
  ])('refuses %s in words', async (_what, request, message) => {
    const { build: ended, log } = await build(request());
    expect(ended).toMatchObject({ status: 'FAILURE', failureInfo: { type: 'FETCH_SOURCE_FAILED' } });
    expect(ended.failureInfo?.detail).toMatch(/^failed to fetch source: /);
    expect(ended.failureInfo?.detail).toMatch(message);
    expect(log).toMatch(/ERROR\nERROR: failed to fetch source: /);
  });
});
