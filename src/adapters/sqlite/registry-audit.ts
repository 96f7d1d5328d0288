import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import type { LooseLink, RecordedManifest, RecordedTag, RegistryAudit } from '../../stores/registry/audit.ts';
import type { ManifestDescription } from '../../stores/registry/describe.ts';
import type { Database } from './database.ts';
import { type DirectRows, directAccess } from './direct-rows.ts';
import type { RegistryTables } from './registry-tables.ts';
import { storeEdges } from './registry-writes.ts';

/** Rows of one statement, which keeps everybody else waiting. */
const ROWS_AT_ONCE = 1000;

interface ManifestRow {
  id: number;
  repository: string;
  digest: Digest;
  media_type: string;
  size: number;
  artifact_type: string | null;
  annotations: string | null;
  subject: Digest | null;
  /** JSON. */
  edges: string;
}

interface Edge {
  digest: Digest;
  kind: string;
  agrees: 0 | 1;
}

/** The registry's rows for the doctor. */
export class SqliteRegistryAudit implements RegistryAudit {
  readonly #database: Kysely<RegistryTables>;
  readonly #changing: DirectRows;

  constructor(database: Database) {
    this.#database = database.withTables<RegistryTables>();
    this.#changing = directAccess(database).changing;
  }

  /** Edges come in the same statement: read apart, a deletion could come between. */
  async recorded(after: number, limit: number): Promise<RecordedManifest[]> {
    const { rows } = await sql<ManifestRow>`
      select m.id, r.key as repository, m.digest, m.media_type, m.size, m.artifact_type, m.annotations, m.subject,
        (select json_group_array(json_object('digest', e.digest, 'kind', e.kind,
            'agrees', e.repository_id = m.repository_id and e.deleted = (m.deleted_at is not null)))
          from manifest_edges e where e.manifest_id = m.id) as edges
      from manifests m join repositories r on r.id = m.repository_id
      where m.id > ${after} order by m.id limit ${limit}`.execute(this.#database);
    return rows.map(recordedManifest);
  }

  async present(ids: number[]): Promise<Set<number>> {
    const { rows } = await sql<{ id: number }>`select id from manifests
      where id in (select value from json_each(${JSON.stringify(ids)}))`.execute(this.#database);
    return new Set(rows.map((row) => row.id));
  }

  correct(id: number, { blobs, children, ...said }: ManifestDescription): Promise<boolean> {
    return this.#database.transaction().execute(async (transaction) => {
      const row = await transaction
        .updateTable('manifests')
        .set({
          media_type: said.mediaType,
          size: said.size,
          artifact_type: said.artifactType ?? null,
          annotations: said.annotations === undefined ? null : JSON.stringify(said.annotations),
          subject: said.subject ?? null,
        })
        .where('id', '=', id)
        .returning(['repository_id', 'deleted_at'])
        .executeTakeFirst();
      if (row === undefined) return false;
      await transaction.deleteFrom('manifest_edges').where('manifest_id', '=', id).execute();
      storeEdges(this.#changing, row.repository_id, id, { blobs, children });
      if (row.deleted_at !== null)
        await transaction.updateTable('manifest_edges').set({ deleted: 1 }).where('manifest_id', '=', id).execute();
      return true;
    });
  }

  async *danglingTags(): AsyncGenerator<RecordedTag[]> {
    for await (const { after, bound } of this.#pages('tags', 'name')) {
      const { rows } = await sql<RecordedTag>`
        select r.key as repository, t.name, t.digest from tags t join repositories r on r.id = t.repository_id
        where (t.repository_id, t.name) > (${after.repository_id}, ${after.name})
          and (t.repository_id, t.name) <= (${bound.repository_id}, ${bound.name})
          and r.removed_at is null and not exists (select 1 from manifests m
            where m.repository_id = t.repository_id and m.digest = t.digest and m.deleted_at is null)`.execute(
        this.#database,
      );
      yield rows;
    }
  }

  async *looseLinks(): AsyncGenerator<LooseLink[]> {
    for await (const { after, bound } of this.#pages('repository_blobs', 'digest')) {
      const { rows } = await sql<Omit<LooseLink, 'named'> & { named: 0 | 1 }>`
        select r.key as repository, l.digest, exists (select 1 from manifest_edges e
            where e.digest = l.digest and e.repository_id = l.repository_id) as named
        from repository_blobs l join repositories r on r.id = l.repository_id
        where (l.repository_id, l.digest) > (${after.repository_id}, ${after.name})
          and (l.repository_id, l.digest) <= (${bound.repository_id}, ${bound.name})
          and not exists (select 1 from blobs b where b.digest = l.digest)`.execute(this.#database);
      yield rows.map((row) => ({ ...row, named: row.named === 1 }));
    }
  }

  async dropLooseLinks(): Promise<number> {
    let dropped = 0;
    for await (const { after, bound } of this.#pages('repository_blobs', 'digest')) {
      const { numAffectedRows } = await sql`delete from repository_blobs
        where (repository_id, digest) > (${after.repository_id}, ${after.name})
          and (repository_id, digest) <= (${bound.repository_id}, ${bound.name})
          and not exists (select 1 from blobs b where b.digest = repository_blobs.digest)
          and not exists (select 1 from manifest_edges e
            where e.digest = repository_blobs.digest and e.repository_id = repository_blobs.repository_id)`.execute(
        this.#database,
      );
      dropped += Number(numAffectedRows ?? 0n);
    }
    return dropped;
  }

  /** Ranges of so many rows of a table whose key is (repository_id, column): after one, up to another. */
  async *#pages(
    table: 'tags' | 'repository_blobs',
    column: 'name' | 'digest',
  ): AsyncGenerator<{ after: Bound; bound: Bound }> {
    const name = sql.ref(column);
    for (let after: Bound = { repository_id: 0, name: '' }; ; ) {
      const { rows } = await sql<Bound>`select repository_id, ${name} as name from (
          select repository_id, ${name} from ${sql.table(table)}
          where (repository_id, ${name}) > (${after.repository_id}, ${after.name})
          order by repository_id, ${name} limit ${ROWS_AT_ONCE})
        order by repository_id desc, ${name} desc limit 1`.execute(this.#database);
      const bound = rows[0];
      if (bound === undefined) return;
      yield { after, bound };
      after = bound;
      await new Promise(setImmediate);
    }
  }
}

interface Bound {
  repository_id: number;
  name: string;
}

function recordedManifest(row: ManifestRow): RecordedManifest {
  const edges = JSON.parse(row.edges) as Edge[];
  const of = (kind: string) => edges.filter((edge) => edge.kind === kind).map((edge) => edge.digest);
  return {
    id: row.id,
    repository: row.repository,
    digest: row.digest,
    mediaType: row.media_type,
    size: row.size,
    artifactType: row.artifact_type ?? undefined,
    annotations: row.annotations === null ? undefined : (JSON.parse(row.annotations) as Record<string, string>),
    subject: row.subject ?? undefined,
    blobs: of('blob'),
    children: of('child'),
    edgesAgree: edges.every((edge) => edge.agrees === 1),
  };
}
