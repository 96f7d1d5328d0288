import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../images/digest.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { BlobInfo } from '../../stores/content/content.ts';
import type { PieceId } from '../../stores/sources/piece.ts';
import type { PiecePlace, SourceRows, WholeList } from '../../stores/sources/rows.ts';
import type { Database } from '../sqlite/database.ts';

/** Rows that one statement takes: the longest turn of the owner's loop is some ten milliseconds. */
const AT_ONCE = 5000;

/**
 * Incremental sources as rows (migration 0021). Only the owner process has one. What was asked for is looked up row by row:
 * `cross join` keeps SQLite from reading all pieces of a project and the question anew for each of them.
 */
export class SqliteSources implements SourceRows {
  readonly #database: Kysely<Record<never, never>>;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock = systemClock) {
    this.#database = database;
    this.#clock = clock;
  }

  addPack(project: string, pack: BlobInfo, pieces: readonly Omit<PiecePlace, 'pack'>[]): Promise<void> {
    return this.#database.transaction().execute(async (transaction) => {
      const made = await sql<{ id: number }>`
        insert into source_packs (project, digest, size, used_at)
        values (${project}, ${pack.digest}, ${pack.size}, ${this.#clock.now()})
        on conflict (project, digest) do update set used_at = excluded.used_at returning id`.execute(transaction);
      const id = made.rows[0]?.id ?? 0;
      for (const page of pagesOf(pieces)) {
        const rows = JSON.stringify(page.map(({ piece, at, size }) => [piece, at, size]));
        await sql`
          insert into source_pieces (project, piece, pack, at, size)
          select ${project}, value ->> 0, ${id}, value ->> 1, value ->> 2 from json_each(${rows}) where true
          on conflict (project, piece) do update set pack = excluded.pack, at = excluded.at, size = excluded.size
          where not exists (
            select 1 from source_packs p join blobs b on b.digest = p.digest where p.id = source_pieces.pack
          )`.execute(transaction);
      }
    });
  }

  async places(project: string, pieces: readonly PieceId[]): Promise<PiecePlace[]> {
    const found: PiecePlace[] = [];
    for (const page of pagesOf(pieces)) {
      const { rows } = await sql<PiecePlace>`
        select s.piece as piece, p.digest as pack, s.at as at, s.size as size
        from json_each(${JSON.stringify(page)}) as asked
        cross join source_pieces s on s.project = ${project} and s.piece = asked.value
        cross join source_packs p on p.id = s.pack
        where exists (select 1 from blobs b where b.digest = p.digest)`.execute(this.#database);
      for (const row of rows) found.push(row);
    }
    return found;
  }

  async whole(project: string, lists: readonly PieceId[]): Promise<WholeList[]> {
    const found: WholeList[] = [];
    for (const page of pagesOf(lists)) {
      const { rows } = await sql<WholeList>`
        select l.list as list, l.bytes as bytes
        from json_each(${JSON.stringify(page)}) as asked
        cross join source_lists l on l.project = ${project} and l.list = asked.value
        where not exists (
          select 1 from source_list_packs lp left join source_packs p on p.id = lp.pack
          where lp.project = l.project and lp.list = l.list
            and not exists (select 1 from blobs b where b.digest = p.digest)
        )`.execute(this.#database);
      for (const row of rows) found.push(row);
    }
    return found;
  }

  addWhole(project: string, { list, bytes }: WholeList, packs: readonly Digest[]): Promise<void> {
    return this.#database.transaction().execute(async (transaction) => {
      await sql`
        insert into source_lists (project, list, bytes) values (${project}, ${list}, ${bytes})
        on conflict (project, list) do update set bytes = excluded.bytes`.execute(transaction);
      await sql`delete from source_list_packs where project = ${project} and list = ${list}`.execute(transaction);
      await sql`
        insert into source_list_packs (project, list, pack)
        select distinct ${project}, ${list}, p.id from json_each(${JSON.stringify(packs)}) as asked
        cross join source_packs p on p.project = ${project} and p.digest = asked.value`.execute(transaction);
    });
  }

  async use(
    project: string,
    { lists = [], packs = [] }: { lists?: readonly PieceId[]; packs?: readonly Digest[] },
  ): Promise<void> {
    const now = this.#clock.now();
    for (const page of pagesOf(lists))
      await sql`
        update source_packs set used_at = max(used_at, ${now}) where id in (
          select lp.pack from json_each(${JSON.stringify(page)}) as asked
          cross join source_list_packs lp on lp.project = ${project} and lp.list = asked.value
        )`.execute(this.#database);
    for (const page of pagesOf(packs))
      await sql`
        update source_packs set used_at = max(used_at, ${now})
        where project = ${project} and digest in (select value from json_each(${JSON.stringify(page)}))`.execute(
        this.#database,
      );
  }

  async claimed(digests: Digest[]): Promise<Digest[]> {
    const { rows } = await sql<{ digest: Digest }>`
      select distinct digest from source_packs where digest in (select value from json_each(${JSON.stringify(digests)}))`.execute(
      this.#database,
    );
    return rows.map(({ digest }) => digest);
  }

  async forget(unusedSince: number): Promise<number> {
    const { rows } = await sql<{ id: number }>`
      select id from source_packs where used_at < ${unusedSince}`.execute(this.#database);
    for (const { id } of rows)
      await this.#database.transaction().execute(async (transaction) => {
        // it may have been asked for since
        const still = await sql<{ id: number }>`
          select id from source_packs where id = ${id} and used_at < ${unusedSince}`.execute(transaction);
        if (still.rows.length === 0) return;
        await sql`
          delete from source_lists where (project, list) in (
            select project, list from source_list_packs where pack = ${id}
          )`.execute(transaction);
        await sql`
          delete from source_list_packs where (project, list) in (
            select project, list from source_list_packs where pack = ${id}
          )`.execute(transaction);
        await sql`delete from source_pieces where pack = ${id}`.execute(transaction);
        await sql`delete from source_packs where id = ${id}`.execute(transaction);
      });
    return rows.length;
  }
}

function* pagesOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < all.length; start += AT_ONCE) yield all.slice(start, start + AT_ONCE);
}
