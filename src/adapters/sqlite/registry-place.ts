import { Problem } from '../../lib/problem.ts';
import { parseRepositoryKey } from '../../stores/registry/name.ts';
import type { Origin } from '../../stores/registry/registry.ts';
import { type RepositoryMode, repositoryPath } from '../../stores/repositories/repository.ts';
import type { DirectRows } from './direct-rows.ts';
import type { Actor } from './registry-tables.ts';

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
export function placeOf(rows: DirectRows, key: string): Place | undefined {
  const [, immutableTags, id] = lookUp(rows, key) ?? [];
  return id == null ? undefined : { repositoryId: id, immutableTags: immutableTags === 1 };
}

/**
 * Where something that comes in would go.
 * @throws Problem as `RegistryWriter` says
 */
export function destinationOf(rows: DirectRows, key: string, arrival: Arrival): Destination {
  const found = lookUp(rows, key);
  const [mode, immutableTags, id] = found ?? [];
  checkArrival(key, arrival, mode);
  return { repositoryId: id ?? undefined, immutableTags: immutableTags === 1, made: found !== undefined };
}

/** Makes repository and image if need be. */
export function makePlace(change: Actor, { repositoryId, immutableTags, made }: Destination): Place {
  if (repositoryId !== undefined) return { repositoryId, immutableTags };
  if (!made) createStandard(change);
  const text = 'insert into repositories (key, created_at) values (?, ?) returning id';
  const image = change.rows.first<[number]>(text, change.key, change.now);
  if (image === undefined) throw new Error(`no image ${change.key} was made`);
  return { repositoryId: image[0], immutableTags };
}

function lookUp(rows: DirectRows, key: string) {
  return rows.first<[mode: RepositoryMode, immutableTags: 0 | 1, id: number | null]>(
    `select mode, immutable_tags, repositories.id from repository_settings
      left join repositories on repositories.key = ? where path = ?`,
    key,
    repositoryPath(parseRepositoryKey(key)),
  );
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

function createStandard({ rows, key, actor, now, events }: Actor): void {
  const { location, project, repository } = parseRepositoryKey(key);
  const path = repositoryPath({ location, project, repository });
  rows.run(
    `insert into repository_settings (path, location, project, mode, immutable_tags, settings, created_at, updated_at)
      values (?, ?, ?, 'standard', 0, '{}', ?, ?)`,
    path,
    location,
    project,
    now,
    now,
  );
  events.push({ at: now, actor, action: 'create-repository', repository: path });
}
