import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunResult, run, runOk } from '../../../src/lib/run.ts';

const ROOT = join(import.meta.dirname, '../../..');
const GITLAB_CI_LOCAL = join(ROOT, 'node_modules/gitlab-ci-local/src/index.js');

/** The example as a checkout of a GitLab project, whose jobs are run here. */
export class GitlabProject {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.#env = env;
  }

  /** @param env DOCKER_HOST and DOCKER_CONFIG, as a runner has them */
  static async create(folder: string, env: NodeJS.ProcessEnv): Promise<GitlabProject> {
    await cp(join(ROOT, 'examples/live-coding'), folder, { recursive: true });
    const project = new GitlabProject(folder, { PATH: process.env['PATH'], HOME: folder, ...env });
    await project.#git('init', '--quiet');
    await project.#git('remote', 'add', 'origin', 'git@gitlab.test:root/mycicd.git');
    await project.commit('the example');
    return project;
  }

  /** @returns its id, which jobs know as CI_COMMIT_SHA */
  async commit(message: string): Promise<string> {
    await this.#git('add', '--all');
    const who = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.com'];
    await this.#git(...who, 'commit', '--quiet', '--message', message);
    return (await this.#git('rev-parse', 'HEAD')).trim();
  }

  async edit(file: string, change: (text: string) => string): Promise<void> {
    const path = join(this.folder, file);
    await writeFile(path, change(await readFile(path, 'utf8')));
  }

  /** Runs one job. @param variables of the project, beside GitLab's own */
  async job(name: string, variables: Record<string, string>, ...flags: string[]): Promise<RunResult & { log: string }> {
    const given = Object.entries(variables).flatMap(([key, value]) => ['--variable', `${key}=${value}`]);
    const args = [GITLAB_CI_LOCAL, name, '--no-color', '--pull-policy=if-not-present', ...given, ...flags];
    const result = await run(process.execPath, args, { cwd: this.folder, env: this.#env, timeout: 180_000 });
    return { ...result, log: result.stdout + result.stderr };
  }

  async #git(...args: string[]): Promise<string> {
    const env = { ...this.#env, GIT_CONFIG_GLOBAL: '/dev/null' };
    return (await runOk('git', args, { cwd: this.folder, env })).stdout;
  }
}
