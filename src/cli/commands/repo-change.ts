import { resolve } from 'node:path';
import type { RepositoryChange } from '../../stores/repositories/repositories.ts';
import {
  type RemoteUpstream,
  type Repository,
  repositoryPath,
  type VirtualUpstream,
} from '../../stores/repositories/repository.ts';
import { readCleanupPolicies } from '../cleanup-policies.ts';
import type { CliContext } from '../context.ts';
import { UsageProblem } from '../usage-problem.ts';
import { withControl } from '../with-control.ts';

interface Settings {
  description?: string;
  immutableTags?: boolean;
  public?: boolean;
  member?: string[];
  cleanupPolicies?: string;
  cleanupDryRun?: boolean;
  json?: boolean;
}

interface CreateOptions extends Settings {
  mode: Repository['mode'];
  dockerHub?: boolean;
  upstream?: string;
  username?: string;
  passwordFile?: string;
  platform?: string[];
  /** Milliseconds. */
  fresh?: number;
}

const DOCKER_HUB = 'https://registry-1.docker.io';
const FRESH_MS = 5 * 60 * 1000;

export async function createRepository(context: CliContext, options: CreateOptions, name: string): Promise<number> {
  const settings = { ...(await changeOf(context, options)), mode: options.mode, remote: remoteOf(options) };
  const made = await withControl(context, (control) => control.call('createRepository', { name, settings }));
  return report(context, made, 'Created', options.json);
}

export async function updateRepository(context: CliContext, options: Settings, name: string): Promise<number> {
  const change = await changeOf(context, options);
  if (Object.values(change).every((value) => value === undefined))
    throw new UsageProblem('nothing to change', 'slipway repo update --help lists what can be.');
  const made = await withControl(context, (control) => control.call('updateRepository', { name, change }));
  return report(context, made, 'Updated', options.json);
}

export async function deleteRepository(context: CliContext, _options: object, name: string): Promise<number> {
  await withControl(context, (control) => control.call('removeRepository', { name }));
  context.terminal.out(`Deleted ${name} with its images\n`);
  return 0;
}

function report(context: CliContext, repository: Repository, done: string, json = false): number {
  context.terminal.out(json ? `${JSON.stringify(repository)}\n` : `${done} ${repositoryPath(repository)}\n`);
  return 0;
}

/** What isn't given stays undefined, and so as it was. */
async function changeOf(context: CliContext, options: Settings): Promise<RepositoryChange> {
  const { description, immutableTags, member, cleanupDryRun } = options;
  const { location } =
    member === undefined ? { location: '' } : await withControl(context, (c) => c.call('status', {}));
  return {
    description,
    immutableTags,
    anonymousPull: options.public,
    virtual: member?.map((text) => memberOf(text, location)),
    cleanupPolicies:
      options.cleanupPolicies === undefined ? undefined : await readCleanupPolicies(options.cleanupPolicies),
    cleanupDryRun,
  };
}

function memberOf(text: string, defaultLocation: string): VirtualUpstream {
  const [, path = '', priority = '0'] = /^([^=]+?)(?:=(\d+))?$/.exec(text) ?? [];
  const segments = path.split('/');
  const [location, project, repository] = segments.length === 2 ? [defaultLocation, ...segments] : segments;
  if (location === undefined || project === undefined || repository === undefined || segments.length > 3)
    throw new UsageProblem(`--member ${text} names no repository`, 'Write PROJECT/REPOSITORY=PRIORITY.');
  return { id: segments.join('-'), priority: Number(priority), repository: { location, project, repository } };
}

/** @throws UsageProblem when the options of an upstream don't go together */
function remoteOf(options: CreateOptions): RemoteUpstream | undefined {
  const { dockerHub = false, upstream, username, passwordFile, platform, fresh = FRESH_MS } = options;
  if (options.mode !== 'remote') {
    if (dockerHub || upstream !== undefined)
      throw new UsageProblem('an upstream is for --mode remote', 'Add --mode remote.');
    return undefined;
  }
  if (dockerHub === (upstream !== undefined))
    throw new UsageProblem('a remote repository has one upstream', 'Give --docker-hub or --upstream URL.');
  if ((username === undefined) !== (passwordFile === undefined))
    throw new UsageProblem('--username and --password-file go together', 'The file holds the password alone.');
  const url = dockerHub ? DOCKER_HUB : (upstream ?? '');
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new UsageProblem(`--upstream ${url} is no URL`, 'For example https://quay.io.');
  return {
    url: url.replace(/\/+$/, ''),
    dockerHub,
    username,
    passwordFile: passwordFile === undefined ? undefined : resolve(passwordFile),
    platforms: platform,
    freshSeconds: Math.round(fresh / 1000),
  };
}
