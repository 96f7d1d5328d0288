import { sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import type { Change, RegistryTransaction } from './registry-tables.ts';

/** As `moveTag` to nothing, of every tag on a manifest: there may be 100,000. @returns their names */
export async function dropTags(
  transaction: RegistryTransaction,
  { repositoryId, key, actor, now, events }: Change,
  names: readonly string[],
  digest: Digest,
): Promise<void> {
  await sql`update tag_moves set until = ${now}, ended_by = ${actor} where repository_id = ${repositoryId}
    and until is null and name in (select value from json_each(${JSON.stringify(names)}))`.execute(transaction);
  await sql`delete from tags where repository_id = ${repositoryId} and digest = ${digest}`.execute(transaction);
  for (const tag of names) events.push({ at: now, actor, action: 'untag', repository: key, digest, tag });
}

/** Sets those of these tags that have no meaning. @returns which */
export async function setFreeTags(
  transaction: RegistryTransaction,
  { repositoryId, key, actor, now, events }: Change,
  names: readonly string[],
  digest: Digest,
): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`insert into tags (repository_id, name, digest, since)
    select ${repositoryId}, value, ${digest}, ${now} from json_each(${JSON.stringify(names)}) where true
    on conflict do nothing returning name`.execute(transaction);
  const set = rows.map((row) => row.name).sort();
  await sql`insert into tag_moves (repository_id, name, digest, since, actor)
    select ${repositoryId}, value, ${digest}, ${now}, ${actor} from json_each(${JSON.stringify(set)})`.execute(
    transaction,
  );
  for (const tag of set) events.push({ at: now, actor, action: 'tag', repository: key, digest, tag });
  return set;
}
