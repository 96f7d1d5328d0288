import type { Kysely } from 'kysely';
import { Problem } from '../../lib/problem.ts';
import { parseRepositoryKey } from '../../stores/registry/name.ts';
import type { Origin } from '../../stores/registry/registry.ts';
import { type RepositoryMode, repositoryPath } from '../../stores/repositories/repository.ts';
import type { Actor, RegistryTables, RegistryTransaction } from './registry-tables.ts';

/** An image's row, and what its repository says about it. */
export interface Place {
  repositoryId: number;
  immutableTags: boolean;
}

export interface Arrival {
  origin: Origin;
  createOnPush: boolean;
}

/** As `Place`, of what may not be there yet. */
export interface Destination {
  repositoryId: number | undefined;
  immutableTags: boolean;
  /** Whether the repository is there, if not the image. */
  made: boolean;
}

/** Where an image lies; undefined when nothing was ever pushed to it. */
export async function placeOf(database: Kysely<RegistryTables>, key: string): Promise<Place | undefined> {
  const found = await lookUp(database, key);
  return found?.id == null ? undefined : { repositoryId: found.id, immutableTags: found.immutable_tags === 1 };
}

/**
 * Where something that comes in would go.
 * @throws Problem as `RegistryWriter` says
 */
export async function destinationOf(
  database: Kysely<RegistryTables>,
  key: string,
  arrival: Arrival,
): Promise<Destination> {
  const found = await lookUp(database, key);
  checkArrival(key, arrival, found?.mode);
  return {
    repositoryId: found?.id ?? undefined,
    immutableTags: found?.immutable_tags === 1,
    made: found !== undefined,
  };
}

/** Makes repository and image if need be. */
export async function makePlace(
  transaction: RegistryTransaction,
  change: Actor,
  { repositoryId, immutableTags, made }: Destination,
): Promise<Place> {
  if (repositoryId !== undefined) return { repositoryId, immutableTags };
  if (!made) await createStandard(transaction, change);
  const image = await transaction
    .insertInto('repositories')
    .values({ key: change.key, created_at: change.now, removed_at: null })
    .returning('id')
    .executeTakeFirstOrThrow();
  return { repositoryId: image.id, immutableTags };
}

function lookUp(database: Kysely<RegistryTables>, key: string) {
  return database
    .selectFrom('repository_settings')
    .leftJoin('repositories', (join) => join.on('repositories.key', '=', key))
    .select(['repository_settings.mode', 'repository_settings.immutable_tags', 'repositories.id'])
    .where('path', '=', repositoryPath(parseRepositoryKey(key)))
    .executeTakeFirst();
}

function checkArrival(key: string, { origin, createOnPush }: Arrival, mode: RepositoryMode | undefined): void {
  const path = repositoryPath(parseRepositoryKey(key));
  if (mode === undefined && origin === 'push' && !createOnPush)
    throw new Problem('not-found', `there is no repository ${path}, and a push makes none here`, {
      hint: `Make it with \`slipway repo create ${path}\`, or set registries.createOnPush in slipway.yaml.`,
    });
  if (mode === 'virtual')
    throw new Problem('denied', `${path} is a virtual repository: it shows what others hold and takes no pushes`, {
      hint: 'Push to one of the repositories behind it.',
    });
  if (mode === 'remote' && origin === 'push')
    throw new Problem('denied', `${path} is a remote repository: it holds what its upstream has and takes no pushes`, {
      hint: 'Push to a standard repository.',
    });
  // whoever deletes a repository while something is fetched for it must not find it again, made standard by the fetch
  if (mode !== 'remote' && origin === 'upstream')
    throw new Problem('not-found', `${path} is no remote repository any more: it was deleted while this was fetched`);
}

async function createStandard(transaction: RegistryTransaction, { key, actor, now, events }: Actor): Promise<void> {
  const { location, project, repository } = parseRepositoryKey(key);
  const path = repositoryPath({ location, project, repository });
  await transaction
    .insertInto('repository_settings')
    .values({
      path,
      location,
      project,
      mode: 'standard',
      immutable_tags: 0,
      settings: '{}',
      created_at: now,
      updated_at: now,
    })
    .execute();
  events.push({ at: now, actor, action: 'create-repository', repository: path });
}
