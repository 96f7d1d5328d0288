import { timestamp } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type {
  RemoteUpstream,
  Repository,
  RepositoryId,
  VirtualUpstream,
} from '../../stores/repositories/repository.ts';
import { cleanupPolicyOf, wireCleanupPolicy } from './cleanup-json.ts';
import type { SentRemote, SentRepository } from './read-json.ts';
import type { WireRepository } from './wire.ts';

const MODES = {
  standard: 'STANDARD_REPOSITORY',
  remote: 'REMOTE_REPOSITORY',
  virtual: 'VIRTUAL_REPOSITORY',
} as const;

const DOCKER_HUB = 'https://registry-1.docker.io';
/** Artifact Registry asks its upstreams about once an hour; a tag that moved is seen sooner here. Seconds. */
const FRESH_SECONDS = 300;

export function repositoryName({ project, location, repository }: RepositoryId): string {
  return `projects/${project}/locations/${location}/repositories/${repository}`;
}

export function wireRepository(repository: Repository, bytes?: number): WireRepository {
  const { remote, virtual } = repository;
  return {
    name: repositoryName(repository),
    format: 'DOCKER',
    mode: MODES[repository.mode],
    ...(repository.description === '' ? {} : { description: repository.description }),
    ...(Object.keys(repository.labels).length === 0 ? {} : { labels: repository.labels }),
    createTime: timestamp(repository.createdAt),
    updateTime: timestamp(repository.updatedAt),
    ...(bytes === undefined ? {} : { sizeBytes: String(bytes) }),
    ...(repository.immutableTags ? { dockerConfig: { immutableTags: true } } : {}),
    ...(repository.cleanupPolicies.length === 0
      ? {}
      : {
          cleanupPolicies: Object.fromEntries(
            repository.cleanupPolicies.map((one) => [one.id, wireCleanupPolicy(one)]),
          ),
        }),
    ...(repository.cleanupDryRun ? { cleanupPolicyDryRun: true } : {}),
    ...(remote === undefined ? {} : { remoteRepositoryConfig: wireRemote(remote) }),
    ...(virtual === undefined
      ? {}
      : {
          virtualRepositoryConfig: {
            upstreamPolicies: virtual.map(({ id, priority, repository: member }) => ({
              id,
              priority,
              repository: repositoryName(member),
            })),
          },
        }),
    registryUri: `${repository.location}-docker.pkg.dev/${repository.project}/${repository.repository}`,
  };
}

function wireRemote({ url, dockerHub }: RemoteUpstream) {
  return {
    description: url,
    dockerRepository: dockerHub ? { publicRepository: 'DOCKER_HUB' } : { customRepository: { uri: url } },
  };
}

/** Settings of a repository as a client sends them; what it leaves out is absent. */
export type SentSettings = Partial<
  Pick<
    Repository,
    'description' | 'labels' | 'immutableTags' | 'cleanupPolicies' | 'cleanupDryRun' | 'mode' | 'remote' | 'virtual'
  >
>;

/** @throws Problem `invalid` or `unsupported`, naming the field */
export function settingsOf(sent: SentRepository): SentSettings {
  if (sent.format !== undefined && sent.format !== 'DOCKER' && sent.format !== 'FORMAT_UNSPECIFIED')
    throw new Problem('unsupported', `repository format ${sent.format.slice(0, 40)} is not served here`, {
      hint: 'Slipway keeps container images: --repository-format=docker.',
    });
  const settings: SentSettings = {};
  if (sent.description !== undefined) settings.description = sent.description;
  if (sent.labels !== undefined) settings.labels = sent.labels;
  if (sent.dockerConfig !== undefined) settings.immutableTags = sent.dockerConfig.immutableTags === true;
  if (sent.cleanupPolicies !== undefined) {
    const policies = Object.entries(sent.cleanupPolicies);
    settings.cleanupPolicies = policies.map(([id, policy]) => cleanupPolicyOf(id, policy));
  }
  if (sent.cleanupPolicyDryRun !== undefined) settings.cleanupDryRun = sent.cleanupPolicyDryRun;
  const mode = modeOf(sent.mode);
  if (mode !== undefined) settings.mode = mode;
  if (sent.remoteRepositoryConfig !== undefined) settings.remote = remoteOf(sent.remoteRepositoryConfig);
  if (sent.virtualRepositoryConfig !== undefined)
    settings.virtual = membersOf(sent.virtualRepositoryConfig.upstreamPolicies ?? []);
  return settings;
}

function modeOf(text: string | undefined): Repository['mode'] | undefined {
  if (text === undefined || text === 'MODE_UNSPECIFIED') return undefined;
  for (const [mode, wire] of Object.entries(MODES)) if (wire === text) return mode as Repository['mode'];
  throw new Problem('invalid', `mode: ${JSON.stringify(text).slice(0, 60)} is no mode of a repository`);
}

function remoteOf(config: SentRemote): RemoteUpstream {
  if (config.upstreamCredentials != null)
    throw new Problem('unsupported', 'remoteRepositoryConfig.upstreamCredentials: no secrets of Google are read here', {
      hint: 'Keep the password in a file of the server: slipway repo create --mode remote --username U --password-file F.',
    });
  if (config.dockerRepository?.publicRepository === 'DOCKER_HUB')
    return { url: DOCKER_HUB, dockerHub: true, freshSeconds: FRESH_SECONDS };
  const uri = config.dockerRepository?.customRepository?.uri ?? config.commonRepository?.uri;
  if (uri === undefined)
    throw new Problem('invalid', 'remoteRepositoryConfig names no upstream', {
      hint: 'gcloud: --remote-docker-repo=DOCKER-HUB, or --remote-docker-repo=https://HOST.',
    });
  return { url: uri.replace(/\/+$/, ''), dockerHub: false, freshSeconds: FRESH_SECONDS };
}

type SentMember = NonNullable<NonNullable<SentRepository['virtualRepositoryConfig']>['upstreamPolicies']>[number];

function membersOf(policies: SentMember[]): VirtualUpstream[] {
  return policies.map(({ id, repository, priority = 0 }) => {
    const [, project, location, name] =
      /^projects\/([^/]+)\/locations\/([^/]+)\/repositories\/([^/]+)$/.exec(repository) ?? [];
    if (project === undefined || location === undefined || name === undefined)
      throw new Problem(
        'invalid',
        `upstreamPolicies: ${JSON.stringify(repository.slice(0, 200))} is no repository's name`,
      );
    return {
      id: id ?? name,
      priority,
      repository: { project, location, repository: name },
    };
  });
}
