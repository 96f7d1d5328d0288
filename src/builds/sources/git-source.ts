import { mkdtemp, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GitRepositories, type WorkingCopyOptions } from '../../engine/sources/git.ts';
import { type GitSource, parseGitUrl, requireRef } from '../../engine/sources/git-url.ts';
import { withoutPassword } from '../../engine/sources/shown-url.ts';
import { Problem } from '../../lib/problem.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { runOk } from '../../lib/run.ts';
import type { BuildRun } from '../run/run-context.ts';
import type { ConnectedRepository } from './source-deps.ts';

/** A repository of a request, and what it is fetched by. */
export interface Repository extends ConnectedRepository {
  /** Branch, tag, commit or other ref; absent: what HEAD means there. */
  revision?: string | undefined;
}

/** git for the sources of one build; what it makes lies in the build's own folder. */
export class SourceGit {
  readonly #git: GitRepositories;
  readonly #run: BuildRun;

  /** @throws Problem `unsupported` on a server without git */
  constructor(run: BuildRun, signal: AbortSignal) {
    const sandbox = run.deps.sources?.git;
    if (sandbox === undefined)
      throw new Problem('unsupported', 'this server fetches no repositories', {
        hint: 'Submit a folder: slipway submit DIR, or gcloud builds submit DIR.',
      });
    this.#run = run;
    const prepare = async () => {
      const folder = await this.#folder();
      return { folder, discard: () => removeTree(folder) };
    };
    this.#git = new GitRepositories(sandbox, { prepare }, {}, signal);
  }

  /** Names of branches or tags, and their commits. @param kind `heads` or `tags` @throws Problem */
  async names(repository: Repository, kind: 'heads' | 'tags'): Promise<Map<string, string>> {
    const prefix = `refs/${kind}/`;
    const found = await told(this.#git.refs(sourceOf(repository), [`${prefix}*`]), repository.url);
    const names = new Map<string, string>();
    // an annotated tag is listed twice, and behind `^{}` is the commit
    for (const [name, commit] of found)
      if (name.startsWith(prefix) && (name.endsWith('^{}') || !found.has(`${name}^{}`)))
        names.set(name.slice(prefix.length).replace(/\^\{\}$/, ''), commit);
    return names;
  }

  /**
   * Brings a commit with its repository, and says so in the log as git does.
   * @param target folder that doesn't exist yet or is empty, below a path that nobody can change meanwhile
   * @returns the commit
   * @throws Problem
   */
  async fetch(repository: Repository, target: string, options: WorkingCopyOptions): Promise<string> {
    const { log } = this.#run;
    const source = sourceOf(repository);
    const commit = await told(this.#git.commit(source), repository.url);
    log.line(`From ${source.remote}`);
    log.line(` * branch            ${commit} -> FETCH_HEAD`);
    const folder = await this.#folder();
    try {
      const copy = await told(this.#git.workingCopy(source, commit, folder, options), repository.url);
      // git ran as nobody; the hosted service's workspace is root's, and git refuses repositories of others
      await runOk('chown', ['-hR', '0:0', copy.path]);
      await rmdir(target).catch(() => undefined);
      await rename(copy.path, target);
      // a commit's message is anybody's, and a terminal would obey it
      log.line(`HEAD is now at ${copy.head.replace(/[\x00-\x1f\x7f]/g, ' ')}`);
      if (!copy.submodules)
        log.line('Submodules could not be fetched and stay empty: a step may run git submodule update --init.');
      log.line('GitCommit:');
      log.line(commit);
      return commit;
    } finally {
      await removeTree(folder);
    }
  }

  #folder(): Promise<string> {
    return mkdtemp(join(this.#run.workspace.root, 'git-'));
  }
}

/** @throws Problem `invalid`, `denied` for an address that is no repository's */
function sourceOf({ url, credentials, revision }: Repository): GitSource {
  if (url.includes('#'))
    throw new Problem('invalid', `${withoutPassword(url)}: a git source's url has no fragment`, {
      hint: 'Branch, tag or commit go into revision, the folder into dir.',
    });
  const parsed = parseGitUrl(url);
  if (revision !== undefined && revision !== '') {
    requireRef(revision);
    parsed.ref = revision;
  }
  return credentials === undefined ? parsed : { ...parsed, credentials };
}

/** The engine's hints speak of `docker build`; a build has its repositories connected. */
async function told<T>(work: Promise<T>, url: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const hint =
      error.code === 'not-found' && /does not contain ref/.test(error.message)
        ? 'revision is a branch, a tag, a whole commit hash, or a whole name such as refs/merge-requests/7/head.'
        : /Authentication failed|could not read Username|terminal prompts disabled|Permission denied \(publickey/.test(
              error.message,
            )
          ? `${withoutPassword(url)} wants credentials: connect the repository to the project, and name it as the source.`
          : error.hint;
    throw new Problem(error.code, error.message, { hint, cause: error });
  }
}
