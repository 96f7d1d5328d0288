import type { TriggerValues } from '../request/built-ins.ts';
import type { RepositoryEvent } from './event.ts';
import { escapeDollars } from './payload-bindings.ts';
import type { BuildTrigger } from './trigger.ts';

/** What is built, and where it stands in its repository. */
export interface BuiltCommit {
  commit: string;
  branch?: string | undefined;
  tag?: string | undefined;
  /** Address of the repository, without credentials. */
  url: string;
}

/** Built-in substitutions of a trigger's build. */
export function triggerValues(
  trigger: BuildTrigger,
  built: BuiltCommit | undefined,
  config: string | undefined,
  account: string,
): TriggerValues {
  const values: TriggerValues = {
    TRIGGER_NAME: trigger.name,
    SERVICE_ACCOUNT_EMAIL: (trigger.serviceAccount ?? account).split('/').at(-1) ?? account,
    SERVICE_ACCOUNT: trigger.serviceAccount ?? account,
  };
  if (config !== undefined) values.TRIGGER_BUILD_CONFIG_PATH = config;
  if (built === undefined) return values;
  const { commit, branch, tag, url } = built;
  const path = repositoryPath(url);
  Object.assign(values, {
    COMMIT_SHA: commit,
    REVISION_ID: commit,
    SHORT_SHA: commit.slice(0, 7),
    REPO_NAME: path.split('/').at(-1) ?? '',
    REPO_FULL_NAME: path,
  } satisfies TriggerValues);
  if (branch !== undefined) values.BRANCH_NAME = branch;
  if (tag !== undefined) values.TAG_NAME = tag;
  const name = branch ?? tag;
  if (name !== undefined) values.REF_NAME = name;
  return values;
}

/** What a build of a pull request knows of it, under the names that the hosted service gives. */
export function requestSubstitutions(event: RepositoryEvent): Record<string, string> {
  if (event.kind === 'push') return {};
  const literal = {
    _HEAD_BRANCH: event.headBranch,
    _BASE_BRANCH: event.baseBranch,
    _HEAD_REPO_URL: event.headRepoUrl,
    _PR_NUMBER: String(event.number),
  };
  // a branch is named by whoever asks
  return Object.fromEntries(Object.entries(literal).map(([key, value]) => [key, escapeDollars(value)]));
}

/** `group/sub/project` of `https://host/group/sub/project.git`. */
export function repositoryPath(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : (url.split(':').at(-1) ?? '');
  return path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
}
