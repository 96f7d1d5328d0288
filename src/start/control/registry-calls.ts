import type { RegistryCalls } from '../../doors/control/registry-wire.ts';
import type { ControlService } from '../../doors/control/routes.ts';
import { familiarName, parseReference, type Reference } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { describeVerdict } from '../../stores/registry/describe-verdict.ts';
import { isOwnHost, localPath, ownName, parseRepositoryKey, repositoryKey } from '../../stores/registry/name.ts';
import { explainCleanup, runCleanup } from '../../stores/registry/run-cleanup.ts';
import { checkMembersShown } from '../../stores/repositories/may-stand-behind.ts';
import type { RepositoryChange } from '../../stores/repositories/repositories.ts';
import { type Repository, type RepositoryId, repositoryPath } from '../../stores/repositories/repository.ts';
import type { Owner } from '../owner.ts';
import { RegistrySettings } from '../registries.ts';
import { checkPasswordFile } from './password-file.ts';

/** In the audit trail: whoever may open the unix socket. */
const ACTOR = 'owner';
const TAGS_AT_ONCE = 1000;

/** Repositories, tags, deletion and the audit trail, for the owner. */
export function registryCalls(owner: Owner): Pick<ControlService, keyof RegistryCalls> {
  const { registry, repositories, upstream } = owner.stores;
  const settings = new RegistrySettings(owner.folder.config);
  const names = settings.ownNames(owner.config.listen);

  const idOf = (name: string): RepositoryId => {
    const segments = name.split('/');
    const [first = '', second = '', third] = segments;
    if (segments.length === 2) return { location: names.defaultLocation, project: first, repository: second };
    const location = /^([a-z0-9-]+)-docker\.pkg\.dev$/.exec(first)?.[1] ?? first;
    if (segments.length === 3 && third !== undefined) return { location, project: second, repository: third };
    throw new Problem('invalid', `${JSON.stringify(name)} names no repository`, {
      hint: 'Write PROJECT/REPOSITORY, or LOCATION/PROJECT/REPOSITORY.',
    });
  };
  const existing = async (name: string): Promise<Repository> => {
    const id = idOf(name);
    const found = await repositories.get(id);
    if (found !== undefined) return found;
    throw new Problem('not-found', `there is no repository ${repositoryPath(id)}`, {
      hint: 'slipway repo list shows those that there are; slipway repo create makes one.',
    });
  };
  /** Whoever may open the socket is the owner, so an upstream of theirs may be anywhere. */
  const checked = async ({ project }: RepositoryId, { remote, virtual }: RepositoryChange) => {
    await checkPasswordFile(remote?.passwordFile);
    await checkMembersShown(project, virtual ?? [], repositories, settings.current.sharedProjects);
    return { remote: remote && { ...remote, byOwner: true } };
  };
  const withSize = async (repository: Repository) => ({
    ...repository,
    ...(await registry.size(`${repositoryPath(repository)}/`)),
  });
  /** The key of an image of ours. */
  const ownKey = (image: string): { key: string; reference: Reference } => {
    const reference = parseReference(image);
    if (!isOwnHost(reference.host, names))
      throw new Problem('invalid', `${image} is not in this registry`, {
        hint: `Images here are named ${names.hosts[0]?.replace('*', names.defaultLocation)}/PROJECT/REPOSITORY/IMAGE, or ${owner.config.listen}/PROJECT/REPOSITORY/IMAGE.`,
      });
    return { key: repositoryKey(ownName(reference.host, reference.repository, names)), reference };
  };
  const shown = (key: string): string => `${owner.config.listen}/${localPath(parseRepositoryKey(key))}`;

  return {
    repositories: async ({ project }) => Promise.all((await repositories.list({ project })).map(withSize)),
    repository: async ({ name }) => {
      const repository = await withSize(await existing(name));
      const states = repository.mode === 'remote' ? await owner.pulls.upstreamStates() : [];
      return { ...repository, upstream: states.find((state) => state.repository === repositoryPath(repository)) };
    },
    createRepository: async ({ name, settings: wanted }) => {
      const id = idOf(name);
      return repositories.create({ ...id, ...wanted, ...(await checked(id, wanted)) }, ACTOR);
    },
    updateRepository: async ({ name, change }) => {
      const { location, project, repository } = await existing(name);
      const id = { location, project, repository };
      return repositories.update(id, { ...change, ...(await checked(id, change)) }, ACTOR);
    },
    removeRepository: async ({ name }) => {
      await repositories.remove(await existing(name), ACTOR);
      return null;
    },
    cleanupRepository: async ({ name, dryRun }, emit, signal) => {
      const repository = await existing(name);
      if (!dryRun) return runCleanup(registry, repository, Date.now(), signal);
      let judged = 0;
      let deleted = 0;
      for await (const { key, verdicts } of explainCleanup(registry, repository, Date.now())) {
        signal.throwIfAborted();
        for (const verdict of verdicts) {
          const { digest, tags } = verdict.version;
          judged++;
          if (verdict.goes) deleted++;
          emit({ image: shown(key), digest, tags, goes: verdict.goes, reason: describeVerdict(verdict) });
        }
      }
      return { judged, deleted };
    },
    registryEvents: ({ name, limit }) =>
      registry.latestEvents({ limit, below: name === undefined ? undefined : repositoryPath(idOf(name)) }),
    tags: async ({ image }) => {
      const { key } = ownKey(image);
      if (!(await registry.exists(key))) throw new Problem('not-found', `nothing was pushed to ${image}`);
      const all = [];
      for (let after: string | undefined; ; ) {
        const page = await registry.tags(key, { after, limit: TAGS_AT_ONCE });
        all.push(...page);
        after = page.at(-1)?.name;
        if (page.length < TAGS_AT_ONCE) return all;
      }
    },
    tagHistory: async ({ image }) => {
      const reference = parseReference(image);
      const { host, repository, tag = 'latest' } = reference;
      if (!isOwnHost(host, names)) return { seen: await upstream.seen({ host, repository, tag }) };
      return { moves: await registry.history(ownKey(image).key, tag) };
    },
    tagged: async ({ tag, project }) => {
      const found = await registry.tagged(tag);
      return found
        .filter(({ repository }) => project === undefined || parseRepositoryKey(repository).project === project)
        .map(({ repository, digest, since }) => ({ image: shown(repository), digest, since }));
    },
    deletedImages: ({ image }) => registry.deleted(ownKey(image).key),
    undeleteImage: async ({ image }) => {
      const { key, reference } = ownKey(image);
      if (reference.digest === undefined)
        throw new Problem('invalid', `${image} has no digest`, {
          hint: 'slipway repo deleted IMAGE shows the digests of what can come back.',
        });
      const tags = await registry.undelete(key, reference.digest, ACTOR);
      if (tags !== undefined) return tags;
      throw new Problem('not-found', `${familiarName(reference)} was not deleted, or too long ago`);
    },
    removeFromRegistry: async ({ image }) => {
      const { key, reference } = ownKey(image);
      const { digest, tag = 'latest' } = reference;
      const gone =
        digest === undefined
          ? await registry.deleteTag(key, tag, ACTOR)
          : await registry.deleteManifest(key, digest, ACTOR);
      if (!gone) throw new Problem('not-found', `the registry has no ${familiarName(reference)}`);
      return null;
    },
  };
}
