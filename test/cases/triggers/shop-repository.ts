import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from '../image-build-sources/git-server.ts';

/** A build without any image of others: a native builder copies what was checked out into the project's bucket. */
const CONFIG = `steps:
- name: gcr.io/cloud-builders/gsutil
  args: [cp, hello.txt, 'gs://demo-built/$BRANCH_NAME$TAG_NAME/$COMMIT_SHA/\${_WHO}.txt']
substitutions:
  _WHO: file
`;

/** `team/shop.git` below a folder, and a working copy to push from. */
export class ShopRepository {
  readonly #work: string;
  readonly #bare: string;

  private constructor(root: string) {
    this.#work = join(root, 'work');
    this.#bare = join(root, 'team/shop.git');
  }

  static async create(root: string): Promise<ShopRepository> {
    const shop = new ShopRepository(root);
    await mkdir(join(root, 'team'), { recursive: true });
    await mkdir(shop.#work);
    git(root, 'init', '-q', '--bare', '-b', 'main', shop.#bare);
    git(shop.#bare, 'config', 'uploadpack.allowFilter', 'true');
    git(shop.#work, 'init', '-q', '-b', 'main');
    git(shop.#work, 'remote', 'add', 'origin', shop.#bare);
    await shop.commit({ 'cloudbuild.yaml': CONFIG, 'hello.txt': 'first\n', 'docs/a.md': 'a\n' }, 'first');
    return shop;
  }

  /** Writes files, commits them and pushes the branch. @returns the commit */
  async commit(files: Record<string, string>, message: string, branch = 'main'): Promise<string> {
    if (git(this.#work, 'branch', '--list', branch) === '') {
      if (branch !== 'main') git(this.#work, 'checkout', '-q', '-b', branch, 'main');
    } else git(this.#work, 'checkout', '-q', branch);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(this.#work, path, '..'), { recursive: true });
      await writeFile(join(this.#work, path), text);
    }
    git(this.#work, 'add', '-A');
    git(this.#work, 'commit', '-q', '-m', message);
    git(this.#work, 'push', '-q', 'origin', branch);
    return this.head(branch);
  }

  /** An annotated tag, pushed. @returns the tag itself, which is not its commit */
  tag(name: string): string {
    git(this.#work, 'tag', '-a', name, '-m', name);
    git(this.#work, 'push', '-q', 'origin', name);
    return git(this.#work, 'rev-parse', name);
  }

  /** What GitLab keeps of a merge request, also of one from a fork: reachable by this name alone. */
  request(number: number, commit: string): void {
    git(this.#bare, 'update-ref', `refs/merge-requests/${number}/head`, commit);
  }

  head(branch = 'main'): string {
    return git(this.#work, 'rev-parse', branch);
  }
}
