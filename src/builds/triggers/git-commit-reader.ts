import type { GitRepositories } from '../../engine/sources/git.ts';
import { type GitSource, parseGitUrl, requireRef } from '../../engine/sources/git-url.ts';
import { withoutPassword } from '../../engine/sources/shown-url.ts';
import { Problem } from '../../lib/problem.ts';
import type { ChangeQuestion, CommitAnswer, CommitQuestion, CommitReader, RepositoryAddress } from './commit-reader.ts';

/** Longest config file, as config-file.ts reads them. Bytes. */
const MAX_FILE = 1 << 20;
/** More changed files than this are told as unknown: a list of them would take longer than the build. Bytes of their names. */
const MAX_NAMES = 4 << 20;

/**
 * The commit's own files alone, without their history: servers that know filters send no content but of the files that are
 * wanted. Texts are told in base64, one line each, because they may hold anything.
 */
const READ = `
remote=$1 wanted=$2 ref=$3; shift 3
git init -q .
git remote add origin "$remote"
get() { git fetch -q --no-tags --filter=blob:none "$@"; }
case $wanted in
  refs/*|HEAD)
    get --depth=1 origin "$wanted"
    commit=$(git rev-parse --verify 'FETCH_HEAD^{commit}');;
  *)
    get --depth=1 origin "$wanted" || { [ -n "$ref" ] && get origin "$ref"; } || get origin '+refs/heads/*:refs/remotes/origin/*'
    commit=$(git rev-parse --verify "$wanted^{commit}");;
esac
echo "$commit"
git show -s --format=%B "$commit" | head -c 65536 | base64 -w0
echo
for path; do
  if [ "$(git cat-file -t "$commit:$path" 2>/dev/null)" = blob ]; then
    if [ "$(git cat-file -s "$commit:$path")" -gt ${MAX_FILE} ]; then echo long
    else printf =; git cat-file blob "$commit:$path" | base64 -w0; echo
    fi
  else echo none
  fi
done
`;

const CHANGES = `
remote=$1 commit=$2 ref=$3 since=$4 branch=$5
git init -q .
git remote add origin "$remote"
get() { git fetch -q --no-tags --filter=blob:none "$@"; }
if [ -n "$since" ]; then
  get --depth=1 origin "$since" "$commit" || get origin '+refs/heads/*:refs/remotes/origin/*'
else
  get origin "+refs/heads/$branch:refs/remotes/origin/$branch"
  get origin "$commit" || get origin "$ref"
  since=$(git merge-base "refs/remotes/origin/$branch" "$commit")
fi
git diff-tree -r --name-only --no-renames -z "$since" "$commit" | head -c ${MAX_NAMES} | base64 -w0
`;

/** Commits by git, in its sandbox. */
export class GitCommitReader implements CommitReader {
  readonly #git: (signal: AbortSignal) => Pick<GitRepositories, 'ask'>;

  constructor(git: (signal: AbortSignal) => Pick<GitRepositories, 'ask'>) {
    this.#git = git;
  }

  async read(
    { repository, revision = 'HEAD', ref = '', paths }: CommitQuestion,
    signal: AbortSignal,
  ): Promise<CommitAnswer> {
    const source = sourceOf(repository);
    for (const each of [revision, ref]) if (each !== '') requireRef(each);
    const answer = await this.#git(signal).ask(source, READ, [revision, ref, ...paths]);
    const [commit = '', message = '', ...files] = answer.split('\n');
    return {
      commit,
      message: decoded(message),
      files: paths.map((path, i) => fileOf(files[i] ?? '', path, repository)),
    };
  }

  async changes({ repository, commit, ref = '', since }: ChangeQuestion, signal: AbortSignal): Promise<string[]> {
    const source = sourceOf(repository);
    const [before, branch] = 'commit' in since ? [since.commit, ''] : ['', since.branch];
    for (const each of [commit, ref, before, branch]) if (each !== '') requireRef(each);
    const names = decoded(await this.#git(signal).ask(source, CHANGES, [commit, ref, before, branch]));
    if (names.length >= MAX_NAMES) throw new Problem('exhausted', `more files changed than can be told`);
    return names.split('\0').filter(Boolean);
  }
}

function sourceOf({ url, credentials }: RepositoryAddress): GitSource {
  const source = parseGitUrl(url);
  return credentials === undefined ? source : { ...source, credentials };
}

function fileOf(line: string, path: string, { url }: RepositoryAddress): string | undefined {
  if (line === 'long')
    throw new Problem('invalid', `${path} in ${withoutPassword(url)} is longer than ${MAX_FILE} bytes`);
  return line.startsWith('=') ? decoded(line.slice(1)) : undefined;
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
