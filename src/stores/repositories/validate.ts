import { isRepositoryName } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { type CleanupPolicy, type RemoteUpstream, type Repository, repositoryPath } from './repository.ts';

/** As Artifact Registry has it: names end in what they began with, and mean one segment of an image's name. */
const LONGEST_NAME = 63;

/**
 * What no repository may be, whoever asks for it.
 * @throws Problem `invalid` with what to write instead
 */
export function validateRepository(repository: Repository): void {
  const { mode, remote, virtual } = repository;
  const path = repositoryPath(repository);
  const segments = [repository.location, repository.project, repository.repository];
  if (!segments.every((name) => isRepositoryName(name) && !name.includes('/') && name.length <= LONGEST_NAME))
    throw new Problem('invalid', `${path} is no name of a repository`, {
      hint: 'Location, project and repository are lower case letters and digits, with . _ or - between them.',
    });
  if ((mode === 'remote') !== (remote !== undefined))
    throw new Problem(
      'invalid',
      mode === 'remote' ? `${path} is remote and has no upstream` : `${path} is ${mode} and has an upstream`,
      {
        hint: 'An upstream belongs to a repository of mode remote, and to no other.',
      },
    );
  if ((mode === 'virtual') !== (virtual !== undefined))
    throw new Problem(
      'invalid',
      mode === 'virtual'
        ? `${path} is virtual and has nothing behind it`
        : `${path} is ${mode} and has others behind it`,
      {
        hint: 'Repositories behind it belong to a repository of mode virtual, and to no other.',
      },
    );
  if (repository.immutableTags && mode !== 'standard')
    throw new Problem('invalid', `${path} is ${mode}: its tags mean what its upstreams say`, {
      hint: 'Immutable tags are for standard repositories.',
    });
  if (remote !== undefined) validateUpstream(path, remote);
  validateSize(path, repository);
  for (const { id, priority } of virtual ?? [])
    if (!Number.isInteger(priority) || priority < 0)
      throw new Problem('invalid', `the priority of ${JSON.stringify(id)} behind ${path} is no whole number from 0`);
  unique(
    `repositories behind ${path}`,
    (virtual ?? []).map((upstream) => upstream.id),
  );
  unique(
    `cleanup policies of ${path}`,
    repository.cleanupPolicies.map((policy) => policy.id),
  );
  for (const policy of repository.cleanupPolicies) validatePolicy(policy);
}

/** Readers are shown the address, and so is the log; what only looks like a setting would be taken for one. */
function validateUpstream(path: string, { url, freshSeconds }: RemoteUpstream): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw new Problem('invalid', `the upstream of ${path} is no http or https address`, {
      hint: 'For example https://quay.io, or http://registry.lab:5000/team.',
    });
  if (parsed.username !== '' || parsed.password !== '')
    throw new Problem('invalid', `the upstream of ${path} has a password in its address, where every reader sees it`, {
      hint: 'Keep it in a file: slipway repo create --mode remote --upstream URL --username U --password-file F.',
    });
  if (parsed.search !== '' || parsed.hash !== '')
    throw new Problem('invalid', `the upstream of ${path} is more than the address of a registry`, {
      hint: 'Leave out what stands behind ? or #.',
    });
  if (!Number.isFinite(freshSeconds) || freshSeconds < 0)
    throw new Problem('invalid', `freshSeconds of ${path} is ${freshSeconds}; it is a number of seconds`);
}

/** Settings are read at every pull and all together for lists: what is of no use to people stays out. */
function validateSize(path: string, { description, labels, cleanupPolicies, virtual = [] }: Repository): void {
  const lists = cleanupPolicies.map((policy) =>
    Object.values('mostRecent' in policy ? policy.mostRecent : policy.condition),
  );
  const texts = lists.flat(2).filter((value) => typeof value === 'string');
  for (const [what, length, limit] of [
    ['characters of description', description.length, LIMITS.description],
    ['labels', Object.keys(labels).length, LIMITS.labels],
    ['characters of a label', longest(Object.entries(labels).flat()), LIMITS.label],
    ['cleanup policies', cleanupPolicies.length, LIMITS.policies],
    ['prefixes in its cleanup policies', texts.length, LIMITS.prefixes],
    ['characters of a prefix', longest([...texts, ...cleanupPolicies.map(({ id }) => id)]), LIMITS.prefix],
    ['repositories behind it', virtual.length, LIMITS.members],
  ] as const)
    if (length > limit) throw new Problem('invalid', `${path} has ${length} ${what}; ${limit} is the most`);
}

const LIMITS = {
  description: 4096,
  labels: 64,
  label: 256,
  policies: 100,
  prefixes: 1000,
  prefix: 256,
  members: 100,
} as const;

function longest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, text.length), 0);
}

function unique(what: string, ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const id of ids) {
    if (id === '') throw new Problem('invalid', `one of the ${what} has no id`);
    if (seen.has(id)) throw new Problem('invalid', `two of the ${what} have the id ${JSON.stringify(id)}`);
    seen.add(id);
  }
}

function validatePolicy(policy: CleanupPolicy): void {
  const name = `cleanup policy ${JSON.stringify(policy.id)}`;
  if ('mostRecent' in policy) {
    const { keepCount } = policy.mostRecent;
    if (!Number.isInteger(keepCount) || keepCount < 1)
      throw new Problem('invalid', `${name} keeps ${keepCount} versions; it is a whole number from 1`);
    return;
  }
  const { condition } = policy;
  for (const [field, value] of [
    ['olderThan', condition.olderThan],
    ['newerThan', condition.newerThan],
  ] as const)
    if (value !== undefined && !(Number.isFinite(value) && value >= 0))
      throw new Problem('invalid', `${field} of ${name} is ${value}; it is a number of seconds`);
  if (condition.tagState === 'untagged' && (condition.tagPrefixes?.length ?? 0) > 0)
    throw new Problem('invalid', `${name} wants versions without tags that have tags`, {
      hint: 'tagPrefixes goes with tagState tagged.',
    });
  // one word that was forgotten must not empty a repository
  if (policy.action === 'delete' && Object.values(condition).every(isNothing))
    throw new Problem('invalid', `${name} has no condition and would delete every version`, {
      hint: 'If that is meant, write tagState: any.',
    });
}

function isNothing(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}
