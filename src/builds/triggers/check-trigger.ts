import { Problem } from '../../lib/problem.ts';
import { projectNumber } from '../project-number.ts';
import { formatPath } from '../request/field-path.ts';
import { readRequest } from '../request/read-request.ts';
import { parseFilter } from '../trigger-filter/parse-filter.ts';
import { fileGlobs } from './changed-files.ts';
import { checkBindings } from './payload-bindings.ts';
import { nextTime } from './schedule-times.ts';
import { kindOf, OUTPUT_FIELDS, type TriggerFields, triggerSchema } from './trigger.ts';
import { userRegex } from './user-regex.ts';

/** As the hosted service has it. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?$/;
const KEY = /^_[A-Z0-9_]{1,99}$/;
const MAX_VALUE = 4000;
const REPOSITORY = /^projects\/([^/]+)\/locations\/[^/]+\/connections\/[^/]+\/repositories\/[^/]+$/;
const SECRET = /^projects\/([^/]+)\/secrets\/[A-Za-z0-9_-]{1,255}\/versions\/(?:latest|\d{1,9})$/;

const STARTS = ['triggerTemplate', 'github', 'repositoryEventConfig', 'webhookConfig', 'pubsubConfig', 'cron'] as const;
const CONFIGS = ['filename', 'build', 'autodetect', 'gitFileSource'] as const;
const OTHER_HOSTS = ['gitlabEnterpriseEventsConfig', 'bitbucketServerTriggerConfig', 'developerConnectEventConfig'];

/**
 * A trigger from the API's JSON, checked as far as it can be before anything happens: what is stored can be run.
 * @throws Problem `invalid` with the field, `unsupported` for hosts that are not served
 */
export function readTrigger(value: unknown, project: string): TriggerFields {
  const trigger = readFields(value);
  const { name, substitutions = {}, filter } = trigger;
  if (name !== undefined && !NAME.test(name))
    throw invalid(
      `name: ${JSON.stringify(name)} is no name of a trigger`,
      '1 to 64 letters, digits and dashes, no dash at the ends.',
    );
  one(trigger, STARTS, 'starts it');
  one(trigger, CONFIGS, 'says what is built');
  const kind = kindOf(trigger);
  if (CONFIGS.every((field) => trigger[field] === undefined))
    throw invalid('the trigger does not say what is built', `Set one of ${CONFIGS.join(', ')}.`);
  if (
    kind !== 'repository' &&
    (trigger.filename !== undefined || trigger.autodetect) &&
    trigger.sourceToBuild === undefined
  )
    throw invalid(
      'the trigger has no repository in which its config could be',
      'Set sourceToBuild, or give the build itself.',
    );
  for (const key of Object.keys(substitutions)) {
    const where = `substitutions.${key}`;
    if (!KEY.test(key)) throw invalid(`${where}: names begin with an underscore, in capitals, 100 characters at most`);
    if ((substitutions[key] ?? '').length > MAX_VALUE) throw invalid(`${where}: longer than ${MAX_VALUE} characters`);
    checkBindings(substitutions[key] ?? '', where);
  }
  if (Object.keys(substitutions).length > 100) throw invalid('substitutions: more than 100');
  if (filter !== undefined && filter !== '') parseFilter(filter);
  fileGlobs(trigger.includedFiles, 'includedFiles');
  fileGlobs(trigger.ignoredFiles, 'ignoredFiles');
  checkEvents(trigger);
  if (trigger.cron !== undefined) nextTime(trigger.cron, 0);
  for (const [field, repository] of Object.entries({
    'repositoryEventConfig.repository': trigger.repositoryEventConfig?.repository,
    'sourceToBuild.repository': trigger.sourceToBuild?.repository,
    'gitFileSource.repository': trigger.gitFileSource?.repository,
  }))
    if (repository !== undefined)
      sameProject(
        REPOSITORY.exec(repository)?.[1],
        project,
        field,
        'projects/P/locations/L/connections/C/repositories/R',
      );
  const secret = trigger.webhookConfig?.secret;
  if (secret !== undefined)
    sameProject(SECRET.exec(secret)?.[1], project, 'webhookConfig.secret', 'projects/P/secrets/S/versions/V');
  return trigger;
}

function readFields(value: unknown): TriggerFields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('a trigger is a JSON object');
  const given = Object.entries(value).filter(([field]) => !OUTPUT_FIELDS.some((output) => output === field));
  const other = given.map(([field]) => field).find((field) => OTHER_HOSTS.includes(field));
  if (other !== undefined)
    throw new Problem('unsupported', `${other} is not served`, {
      hint: 'Repositories are linked by connections of GitLab (repositoryEventConfig); anything else can call a webhook trigger.',
    });
  const result = triggerSchema.safeParse(Object.fromEntries(given));
  if (!result.success) {
    const [issue] = result.error.issues;
    const path = formatPath((issue?.path ?? []).filter((part) => typeof part !== 'symbol'));
    if (issue?.code === 'unrecognized_keys')
      throw invalid(
        `Invalid JSON payload received. Unknown name ${JSON.stringify(issue.keys[0])} at 'trigger${path}': Cannot find field.`,
      );
    throw invalid(`Invalid value at 'trigger${path}': ${issue?.message ?? 'not valid'}`);
  }
  const { build, ...fields } = result.data;
  if (build === undefined) return fields;
  const read = readRequest(build);
  if ('request' in read) return { ...fields, build: read.request };
  const [complaint] = read.complaints;
  throw new Problem('invalid', `build: ${complaint?.message ?? 'not valid'}`, { hint: complaint?.hint });
}

function checkEvents({ repositoryEventConfig, github, triggerTemplate, webhookConfig }: TriggerFields): void {
  const config = repositoryEventConfig ?? github;
  if (config !== undefined) {
    const { push, pullRequest } = config;
    if ((push === undefined) === (pullRequest === undefined))
      throw invalid('a trigger of a repository waits for push or for pullRequest: set one of them');
    if (push !== undefined && (push.branch === undefined) === (push.tag === undefined))
      throw invalid('push: set branch or tag, a regular expression');
    const patterns = { 'push.branch': push?.branch, 'push.tag': push?.tag, 'pullRequest.branch': pullRequest?.branch };
    for (const [field, pattern] of Object.entries(patterns)) if (pattern !== undefined) userRegex(pattern, field);
  }
  if (repositoryEventConfig !== undefined && repositoryEventConfig.repository === undefined)
    throw invalid('repositoryEventConfig.repository is missing', 'projects/P/locations/L/connections/C/repositories/R');
  for (const pattern of [triggerTemplate?.branchName, triggerTemplate?.tagName])
    if (pattern !== undefined) userRegex(pattern, 'triggerTemplate');
  if (webhookConfig !== undefined && webhookConfig.secret === undefined)
    throw invalid(
      'webhookConfig.secret is missing',
      'It names the secret that callers show: projects/P/secrets/S/versions/V.',
    );
}

/** A name in another project would be a way around its rights. */
function sameProject(found: string | undefined, project: string, field: string, form: string): void {
  if (found === undefined) throw invalid(`${field}: written as ${form}`);
  if (found !== project && found !== projectNumber(project))
    throw invalid(`${field}: of project ${found}; a trigger uses what its own project ${project} has`);
}

function one(trigger: TriggerFields, fields: readonly (keyof TriggerFields)[], what: string): void {
  const set = fields.filter((field) => trigger[field] !== undefined && trigger[field] !== false);
  if (set.length > 1)
    throw invalid(`${set.join(' and ')} both say what ${what}: keep one`.replace('says what is', 'what is'));
}

function invalid(message: string, hint?: string): Problem {
  return new Problem('invalid', message, { hint });
}
