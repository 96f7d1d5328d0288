import { closeSync, constants, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { openBelow, selfFd } from '../../kernel/rooted.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { ImageBuildRequest } from '../request.ts';
import type { GitRun, GitSandbox } from './git-sandbox.ts';
import type { GitSource } from './git-url.ts';
import { INNER_ADDRESS_HINT } from './web-file.ts';

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

const CONFIG: readonly [string, string][] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.gitProxy', '/proxy/git-proxy'],
  ['credential.helper', ''],
  ['gc.auto', '0'],
  ['init.defaultBranch', 'main'],
  ['init.templateDir', ''],
  ['advice.detachedHead', 'false'],
];

/** Tags are asked for behind their name as what they point to. */
const LIST = 'git ls-remote -q -- "$@"';

/**
 * The commit alone where the server gives it by its hash, else what the ref has, else all: older servers refuse a hash that
 * no ref names. Every file is as old as the commit, so that two machines make the same layer of it.
 */
const CHECK_OUT = `
git init -q .
git remote add origin "$1"
git fetch -q --depth=1 --no-tags origin "$2" || git fetch -q --depth=1 --no-tags origin "$3" ||
  git fetch -q --tags origin '+refs/heads/*:refs/remotes/origin/*'
git checkout -q -f --detach "$2"
if [ "$4" = submodules ]; then git submodule -q update --init --recursive --depth=1; fi
at=$(git show -s --format=%ct HEAD)
if [ "$5" != keep ]; then find . -name .git -prune -exec rm -rf {} +; fi
find . -exec touch -h -d "@$at" {} +
`;

/**
 * A repository as whoever builds from it finds it: with .git, so many commits deep, the work tree's times those of the
 * checkout. What came of the submodules is the first line of the answer, what HEAD is the second.
 */
const WORKING_COPY = `
git init -q .
git remote add origin "$1"
all() { git fetch -q --tags origin '+refs/heads/*:refs/remotes/origin/*'; }
if [ "$5" = all ]; then all
else git fetch -q --depth="$5" --no-tags origin "$2" || git fetch -q --depth="$5" --no-tags origin "$3" || all
fi
git checkout -q -f --detach "$2"
case "$4" in
  must) git submodule -q update --init --recursive --depth=1; echo whole;;
  try) if git submodule -q update --init --recursive --depth=1; then echo whole; else echo without; fi;;
  *) echo whole;;
esac
git log -1 --format='%h %s'
`;

/** A commit with its files, as `workingCopy` made it. */
export interface WorkingCopy {
  /** Whose owner is nobody, as git ran. */
  path: string;
  /** Abbreviated commit and first line of its message. */
  head: string;
  /** False when submodules were to be tried and could not be had. */
  submodules: boolean;
}

export interface WorkingCopyOptions {
  /** Commits of history, or `all`. */
  depth: number | 'all';
  /** `try`: their absence is told and no error. */
  submodules: 'must' | 'try' | 'none';
}

/** Where a look-up may work: a new folder, and its end. */
export interface GitScratch {
  prepare(): Promise<{ folder: string; discard(): Promise<void> }>;
}

/** Repositories for one build: what a ref means, and the files of a commit. */
export class GitRepositories {
  readonly #sandbox: GitSandbox;
  readonly #store: GitScratch;
  readonly #request: Pick<ImageBuildRequest, 'secret' | 'ssh'>;
  readonly #signal: AbortSignal;

  constructor(
    sandbox: GitSandbox,
    store: GitScratch,
    request: Pick<ImageBuildRequest, 'secret' | 'ssh'>,
    signal: AbortSignal,
  ) {
    this.#sandbox = sandbox;
    this.#store = store;
    this.#request = request;
    this.#signal = signal;
  }

  /**
   * The commit that is meant now; a whole hash is one without asking.
   * @throws Problem `not-found`, `invalid` when it isn't the commit of `checksum`, `unavailable`, `denied`
   */
  async commit(source: GitSource): Promise<string> {
    const { ref, checksum } = source;
    const commit = ref !== undefined && COMMIT.test(ref) ? ref : await this.#lookUp(source);
    if (checksum !== undefined && !commit.startsWith(checksum))
      throw new Problem('invalid', `expected checksum to match ${checksum}, got ${commit}`, {
        hint: `${ref ?? 'HEAD'} of ${source.remote} has moved on, or never was that commit.`,
      });
    return commit;
  }

  /** What names of a repository mean now, by their whole name; of those asked for. */
  async refs(source: GitSource, patterns: readonly string[]): Promise<Map<string, string>> {
    const active = await this.#store.prepare();
    try {
      const answer = await this.#run(active.folder, source, { script: LIST, args: [source.remote, ...patterns] });
      const pairs = answer.split('\n').map((line) => line.split('\t').reverse() as [string, string | undefined]);
      return new Map(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined && COMMIT.test(pair[1])));
    } finally {
      await active.discard();
    }
  }

  async #lookUp(source: GitSource): Promise<string> {
    const { remote, ref } = source;
    const found = await this.refs(source, ref === undefined ? ['HEAD'] : [ref, `${ref}^{}`]);
    const candidates =
      ref === undefined ? ['HEAD'] : [`${ref}^{}`, ref, `refs/tags/${ref}^{}`, `refs/tags/${ref}`, `refs/heads/${ref}`];
    const commit = candidates.map((name) => found.get(name)).find((hash) => hash !== undefined);
    if (commit !== undefined) return commit;
    throw new Problem('not-found', `repository ${remote} does not contain ref ${ref ?? 'HEAD'}`, {
      hint: 'Behind # stands a branch, a tag or a whole commit hash; then, after a colon, a folder.',
    });
  }

  /**
   * Checks a commit out.
   * @param folder an empty one of this build
   * @returns the folder with its files
   * @throws Problem `not-found` when it has no such folder (`subdir`), `unavailable`, `denied`, `exhausted` beyond a limit
   */
  async checkOut(source: GitSource, commit: string, folder: string): Promise<string> {
    const { remote, ref, subdir, submodules, keepGitDir } = source;
    await this.#run(folder, source, {
      script: CHECK_OUT,
      args: [
        remote,
        commit,
        ref ?? 'HEAD',
        submodules === false ? '' : 'submodules',
        keepGitDir === true ? 'keep' : '',
      ],
    });
    return subfolder(join(folder, 'work'), subdir ?? '', remote);
  }

  /**
   * Checks a commit out with its repository, for a build's workspace.
   * @param folder an empty one of this build
   * @throws Problem `unavailable`, `denied`, `exhausted` beyond a limit
   */
  async workingCopy(
    source: GitSource,
    commit: string,
    folder: string,
    { depth, submodules }: WorkingCopyOptions,
  ): Promise<WorkingCopy> {
    const answer = await this.#run(folder, source, {
      script: WORKING_COPY,
      args: [source.remote, commit, source.ref ?? 'HEAD', submodules, String(depth)],
    });
    const [parts = '', head = ''] = answer.split('\n');
    return { path: join(folder, 'work'), head, submodules: parts === 'whole' };
  }

  /**
   * What a script of ours says of the repository, in an empty folder; its first argument is the address.
   * @throws Problem
   */
  async ask(source: GitSource, script: string, args: readonly string[]): Promise<string> {
    const active = await this.#store.prepare();
    try {
      return await this.#run(active.folder, source, { script, args: [source.remote, ...args] });
    } finally {
      await active.discard();
    }
  }

  async #run(folder: string, source: GitSource, run: Pick<GitRun, 'script' | 'args'>): Promise<string> {
    const { remote } = source;
    try {
      return await this.#sandbox.run(folder, {
        ...run,
        config: [...CONFIG, ...(await this.#authorisation(source))],
        signal: this.#signal,
        agent: /^https?:/.test(remote) ? undefined : await this.#request.ssh?.('default'),
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code === 'exhausted')
        throw new Problem('exhausted', `git: ${remote}: ${error.message}`, { hint: error.hint, cause: error });
      if (error.code !== 'failed' && error.code !== 'denied') throw error;
      const hint = error.code === 'denied' ? INNER_ADDRESS_HINT : hintFor(error.message);
      throw new Problem(error.code === 'denied' ? 'denied' : 'unavailable', `git: ${remote}: ${error.message}`, {
        hint,
        cause: error,
      });
    }
  }

  /**
   * Of the address, or docker's secrets GIT_AUTH_HEADER and GIT_AUTH_TOKEN, which may end in `.HOST`. They are sent to the
   * address's own host only, so redirects are not followed then.
   */
  async #authorisation({ remote, credentials }: GitSource): Promise<[string, string][]> {
    if (!/^https?:/.test(remote)) return [];
    const { origin, host } = new URL(remote);
    const secret = async (name: string) => {
      const value = (await this.#request.secret?.(`${name}.${host}`)) ?? (await this.#request.secret?.(name));
      return value === undefined ? undefined : Buffer.from(value).toString('utf8').trim();
    };
    const token = credentials ?? prefixed('x-access-token:', await secret('GIT_AUTH_TOKEN'));
    const header =
      token === undefined ? await secret('GIT_AUTH_HEADER') : `basic ${Buffer.from(token).toString('base64')}`;
    if (header === undefined) return [];
    return [
      [`http.${origin}/.extraHeader`, `Authorization: ${header}`],
      ['http.followRedirects', 'false'],
    ];
  }
}

function prefixed(prefix: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : prefix + text;
}

/** Links in the repository are followed inside it. */
function subfolder(root: string, path: string, remote: string): string {
  try {
    const fd = openBelow(root, path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      return readlinkSync(selfFd(fd));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
    throw new Problem('not-found', `${remote} has no folder ${path}`, { cause: error });
  }
}

function hintFor(said: string): string | undefined {
  if (/Authentication failed|could not read Username|terminal prompts disabled/.test(said))
    return 'The repository wants credentials: give a token with --secret id=GIT_AUTH_TOKEN.';
  if (/Permission denied \(publickey|Host key verification/.test(said))
    return 'ssh needs a key: give your agent with --ssh default.';
  if (/protocol .* not allowed/.test(said)) return 'Repositories are fetched by https, http, ssh and git alone.';
  return undefined;
}
