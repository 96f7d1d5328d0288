import type { FastifyRequest } from 'fastify';
import { type Identity, may, mayReadSome, type Role } from '../../auth/identity.ts';
import { Problem } from '../../lib/problem.ts';
import type { ContentReader } from '../../stores/content/content.ts';
import { repositoryKey } from '../../stores/registry/name.ts';
import type { RegistryStore } from '../../stores/registry/registry.ts';
import type { RepositoryStore } from '../../stores/repositories/repositories.ts';
import { type Repository, type RepositoryId, repositoryPath } from '../../stores/repositories/repository.ts';
import type { DoorContext } from '../http/door.ts';
import { permissionDenied, requireIdentity } from '../http/google-access.ts';
import { NOT_FOUND } from '../http/google-errors.ts';

/** What the door stands on; start/ joins it. */
export interface ArtifactsDeps extends DoorContext {
  repositories: RepositoryStore;
  registry: RegistryStore;
  content: ContentReader;
  /** Offered as a location although nothing lies there yet. */
  defaultLocation(): string;
  /** Projects whose repositories may stand behind virtual ones of any other. */
  sharedProjects(): readonly string[];
}

/** The parts of a resource's name that Fastify cut out of the path, each percent-decoded. */
export interface Names {
  project: string;
  location: string;
  repository: string;
  /** An image's path in its repository. */
  package: string;
}

/** Where every resource of a repository lies, in both versions of the API that gcloud mixes. */
export const REPOSITORIES = ['/v1', '/v1beta2'].map(
  (version) => `${version}/projects/:project/locations/:location/repositories`,
);

export function idOf({ project, location, repository }: Omit<Names, 'package'>): RepositoryId {
  return { project, location, repository };
}

export function keyOf({ project, location, repository, package: image }: Names): string {
  return repositoryKey({ project, location, repository, image });
}

/**
 * A repository that exists and in which the caller has the role; of an image in it, where one is meant. Who has no right
 * hears the same of one that isn't there.
 */
export async function requireRepository(
  request: FastifyRequest<{ Params: Omit<Names, 'package'> & { package?: string } }>,
  role: Role,
  deps: ArtifactsDeps,
  /** `part`: whoever may read some image of it may ask, and is shown no other. */
  extent: 'whole' | 'part' = 'whole',
): Promise<{ repository: Repository; identity: Identity }> {
  const { package: image, ...names } = request.params;
  const { project } = names;
  const identity = await requireIdentity(request.raw, deps);
  const repository = await deps.repositories.get(idOf(names));
  const open = role === 'reader' && repository?.anonymousPull === true;
  const readsSome = extent === 'part' && mayReadSome(identity, project, names.repository);
  if (!open && !readsSome && !may(identity, role, project, names.repository, image))
    throw permissionDenied(role, [project, names.repository, image]);
  return { identity, repository: repository ?? (await existing(idOf(names), deps)) };
}

/** @throws Problem `not-found` */
export async function existing(id: RepositoryId, deps: ArtifactsDeps): Promise<Repository> {
  const repository = await deps.repositories.get(id);
  if (repository !== undefined) return repository;
  throw new Problem('not-found', `${NOT_FOUND} (repository ${repositoryPath(id)})`, {
    hint: 'gcloud artifacts repositories create makes one; so does the first push.',
  });
}

/** The page size that was asked for, within what one answer may hold. */
export function pageSize(text: string | undefined): number {
  const size = Number(text ?? 0);
  if (!Number.isInteger(size) || size < 0) throw new Problem('invalid', `invalid page size ${JSON.stringify(text)}`);
  return size === 0 ? DEFAULT_PAGE : Math.min(size, LARGEST_PAGE);
}

const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 1000;
