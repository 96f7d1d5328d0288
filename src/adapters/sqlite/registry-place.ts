import type { Kysely } from 'kysely';
import { Problem } from '../../lib/problem.ts';
import { parseRepositoryKey } from '../../stores/registry/name.ts';
import type { Origin } from '../../stores/registry/registry.ts';
import { type RepositoryMode, repositoryPath } from '../../stores/repositories/repository.ts';
import { noteEvent } from './registry-events.ts';
import type { RegistryTables, RegistryTransaction } from './registry-tables.ts';

/** An image's row, and what its repository says about it. */
export interface Place {
  repositoryId: number;
  immutableTags: boolean;
}

export interface Arrival {
  key: string;
  origin: Origin;
  actor: string;
  now: number;
  createOnPush: boolean;
}

/** Where an image lies; undefined when nothing was ever pushed to it. */
export async function placeOf(database: Kysely<RegistryTables>, key: string): Promise<Place | undefined> {
  const found = await lookUp(database, key);
  return found?.id == null ? undefined : { repositoryId: found.id, immutableTags: found.immutable_tags === 1 };
}

/**
 * Where something that comes in goes, made if need be.
 * @throws Problem as `RegistryWriter` says
 */
export async function placeForArrival(transaction: RegistryTransaction, arrival: Arrival): Promise<Place> {
  const { key, actor, now } = arrival;
  const found = await lookUp(transaction, key);
  checkArrival(arrival, found?.mode);
  if (found === undefined) await createStandard(transaction, key, actor, now);
  const immutableTags = found?.immutable_tags === 1;
  if (found?.id != null) return { repositoryId: found.id, immutableTags };
  const made = await transaction
    .insertInto('repositories')
    .values({ key, created_at: now, removed_at: null })
    .returning('id')
    .executeTakeFirstOrThrow();
  return { repositoryId: made.id, immutableTags };
}

/** @throws Problem as `RegistryWriter` says */
export async function checkPush(database: Kysely<RegistryTables>, key: string, createOnPush: boolean): Promise<void> {
  checkArrival({ key, origin: 'push', createOnPush }, (await lookUp(database, key))?.mode);
}

async function lookUp(database: Kysely<RegistryTables>, key: string) {
  return database
    .selectFrom('repository_settings')
    .leftJoin('repositories', (join) => join.on('repositories.key', '=', key))
    .select(['repository_settings.mode', 'repository_settings.immutable_tags', 'repositories.id'])
    .where('path', '=', repositoryPath(parseRepositoryKey(key)))
    .executeTakeFirst();
}

function checkArrival(
  { key, origin, createOnPush }: Pick<Arrival, 'key' | 'origin' | 'createOnPush'>,
  mode: RepositoryMode | undefined,
): void {
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
}

async function createStandard(
  transaction: RegistryTransaction,
  key: string,
  actor: string,
  now: number,
): Promise<void> {
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
  await noteEvent(transaction, { at: now, actor, action: 'create-repository', repository: path });
}
