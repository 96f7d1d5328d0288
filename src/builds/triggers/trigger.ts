import { z } from 'zod';
import type { BuildRequest } from '../request/request.ts';

/**
 * A BuildTrigger as Cloud Build's API names it: this is what is stored and what the door sends. Strict, so that a misspelt
 * field is a complaint; what it means is check-trigger.ts's.
 */
const text = z.string().max(4096);
const texts = z.array(text).max(300).optional();
const textMap = z.record(z.string(), z.string());
const flag = z.boolean().optional();

const repoType = z
  .enum(['UNKNOWN', 'CLOUD_SOURCE_REPOSITORIES', 'GITHUB', 'BITBUCKET_SERVER', 'GITLAB', 'BITBUCKET_CLOUD'])
  .optional();

const pushFilter = z.strictObject({ branch: text.optional(), tag: text.optional(), invertRegex: flag });

const pullRequestFilter = z.strictObject({
  branch: text.optional(),
  commentControl: z
    .enum(['COMMENTS_DISABLED', 'COMMENTS_ENABLED', 'COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY'])
    .optional(),
  invertRegex: flag,
});

/** One branch, tag or commit of a repository, as `triggers run` names it. */
export const repoSourceSchema = z.strictObject({
  projectId: text.optional(),
  repoName: text.optional(),
  branchName: text.optional(),
  tagName: text.optional(),
  commitSha: text.optional(),
  dir: text.optional(),
  invertRegex: flag,
  substitutions: textMap.optional(),
});

export const triggerSchema = z.strictObject({
  name: text.optional(),
  description: text.optional(),
  tags: texts,
  disabled: flag,
  substitutions: textMap.optional(),
  /** What is built: a file of the commit, or the build itself, or whatever of the usual files is there. */
  filename: text.optional(),
  build: z.unknown().optional(),
  autodetect: flag,
  gitFileSource: z
    .strictObject({
      path: text,
      uri: text.optional(),
      repository: text.optional(),
      repoType,
      revision: text.optional(),
      githubEnterpriseConfig: text.optional(),
      bitbucketServerConfig: text.optional(),
    })
    .optional(),
  /** The source of builds that no event of a repository starts. */
  sourceToBuild: z
    .strictObject({
      uri: text.optional(),
      repository: text.optional(),
      ref: text.optional(),
      repoType,
      githubEnterpriseConfig: text.optional(),
      bitbucketServerConfig: text.optional(),
    })
    .optional(),
  /** What starts it: one of these, or a person alone. */
  triggerTemplate: repoSourceSchema.optional(),
  github: z
    .strictObject({
      owner: text.optional(),
      name: text.optional(),
      installationId: z.union([z.string(), z.number()]).optional(),
      enterpriseConfigResourceName: text.optional(),
      push: pushFilter.optional(),
      pullRequest: pullRequestFilter.optional(),
    })
    .optional(),
  repositoryEventConfig: z
    .strictObject({
      repository: text.optional(),
      repositoryType: text.optional(),
      push: pushFilter.optional(),
      pullRequest: pullRequestFilter.optional(),
    })
    .optional(),
  webhookConfig: z.strictObject({ secret: text.optional(), state: text.optional() }).optional(),
  pubsubConfig: z
    .strictObject({
      topic: text.optional(),
      subscription: text.optional(),
      serviceAccountEmail: text.optional(),
      state: text.optional(),
    })
    .optional(),
  cron: z
    .strictObject({
      schedule: text,
      timeZone: text.optional(),
      enterpriseConfigResource: text.optional(),
    })
    .optional(),
  approvalConfig: z.strictObject({ approvalRequired: flag }).optional(),
  includedFiles: texts,
  ignoredFiles: texts,
  filter: text.optional(),
  serviceAccount: text.optional(),
  includeBuildLogs: z.enum(['INCLUDE_BUILD_LOGS_UNSPECIFIED', 'INCLUDE_BUILD_LOGS_WITH_STATUS']).optional(),
  eventType: z.enum(['EVENT_TYPE_UNSPECIFIED', 'REPO', 'WEBHOOK', 'PUBSUB', 'MANUAL']).optional(),
});

/** Set by the server; accepted from clients, which send back what they were given, and left out. */
export const OUTPUT_FIELDS = ['id', 'createTime', 'resourceName'] as const;

export type TriggerFields = Omit<z.output<typeof triggerSchema>, 'build'> & { build?: BuildRequest | undefined };
export type PushFilter = z.output<typeof pushFilter>;
export type PullRequestFilter = z.output<typeof pullRequestFilter>;
export type RepoSource = z.output<typeof repoSourceSchema>;

export interface BuildTrigger extends TriggerFields {
  name: string;
  id: string;
  createTime: string;
  /** `projects/<project>/locations/<location>/triggers/<id>`. */
  resourceName: string;
}

/** What can start a trigger's builds besides a person. */
export type TriggerKind = 'repository' | 'webhook' | 'pubsub' | 'cron' | 'manual';

export function kindOf(trigger: TriggerFields): TriggerKind {
  if (trigger.webhookConfig !== undefined) return 'webhook';
  if (trigger.pubsubConfig !== undefined) return 'pubsub';
  if (trigger.cron !== undefined) return 'cron';
  if (trigger.repositoryEventConfig !== undefined || trigger.github !== undefined) return 'repository';
  return trigger.triggerTemplate === undefined ? 'manual' : 'repository';
}
