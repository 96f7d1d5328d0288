import { type Kysely, type Selectable, sql } from 'kysely';
import { type Clock, systemClock, timestamp } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import type { SecretKeys } from '../../stores/secrets/secret-keys.ts';
import { validateLabels, validateSecretName, versionName } from '../../stores/secrets/secret-names.ts';
import {
  MAX_SECRET_BYTES,
  type SecretEvent,
  type SecretInfo,
  type SecretName,
  type SecretState,
  type SecretStore,
  type SecretVersion,
} from '../../stores/secrets/secrets.ts';
import type { Database } from '../sqlite/database.ts';

/** The tables of migration 0017. */
type SecretTables = {
  secrets: { project: string; name: string; created_at: number; labels: string };
  secret_versions: {
    project: string;
    secret: string;
    version: number;
    state: SecretState;
    created_at: number;
    destroyed_at: number | null;
    key_id: string | null;
    sealed: string | null;
  };
  secret_events: {
    id?: number;
    at: number;
    actor: string;
    action: SecretEvent['action'];
    project: string;
    secret: string;
    version: number | null;
  };
};

type SecretRow = Selectable<SecretTables['secrets']>;
type VersionRow = Selectable<SecretTables['secret_versions']>;
type Rows = Kysely<SecretTables>;

/** Of one secret; a build a minute fills them in a week. */
const EVENTS_KEPT = 10_000;

const ACTIONS = { ENABLED: 'enable', DISABLED: 'disable', DESTROYED: 'destroy' } as const;

/** Secrets as rows, their values encrypted. Only the owner process has one, and only it reads the key file. */
export class SqliteSecrets implements SecretStore {
  readonly #database: Rows;
  readonly #keys: SecretKeys;
  readonly #clock: Clock;

  constructor(database: Database, keys: SecretKeys, clock: Clock = systemClock) {
    this.#database = database.withTables<SecretTables>();
    this.#keys = keys;
    this.#clock = clock;
  }

  create(name: SecretName, actor: string, labels: Record<string, string> = {}): Promise<SecretInfo> {
    return this.#write(async (rows, now) => {
      validateSecretName(name);
      validateLabels(labels);
      if ((await find(rows, name)) !== undefined)
        throw new Problem('conflict', `secret ${name.secret} exists already in project ${name.project}`, {
          hint: `Add a version to it: slipway secret add ${name.secret} --project ${name.project}`,
        });
      const row = { project: name.project, name: name.secret, created_at: now, labels: JSON.stringify(labels) };
      await rows.insertInto('secrets').values(row).execute();
      await note(rows, name, 'create', actor, now);
      return infoOf(row);
    });
  }

  async get(name: SecretName): Promise<SecretInfo | undefined> {
    const row = await find(this.#database, name);
    return row === undefined ? undefined : infoOf(row);
  }

  async list(project: string): Promise<SecretInfo[]> {
    const rows = this.#database.selectFrom('secrets').selectAll().where('project', '=', project).orderBy('name');
    return (await rows.execute()).map(infoOf);
  }

  addVersion(name: SecretName, payload: string, actor: string): Promise<SecretVersion> {
    const value = Buffer.from(payload, 'base64');
    return this.#write(async (rows, now) => {
      const secret = await existing(rows, name);
      if (value.length === 0) throw new Problem('invalid', 'a secret cannot be empty');
      if (value.length > MAX_SECRET_BYTES)
        throw new Problem('invalid', `a secret may have ${MAX_SECRET_BYTES} bytes; this one has ${value.length}`, {
          hint: 'Keep it in a bucket, encrypted with a key that is the secret.',
        });
      const [newest] = await versionRows(rows, name, 1);
      const version = (newest?.version ?? 0) + 1;
      const sealed = await this.#keys.seal(value, placeOf(secret, version), await isFirst(rows));
      const row: VersionRow = {
        project: name.project,
        secret: name.secret,
        version,
        state: 'ENABLED',
        created_at: now,
        destroyed_at: null,
        key_id: sealed.keyId,
        sealed: sealed.sealed,
      };
      await rows.insertInto('secret_versions').values(row).execute();
      await note(rows, name, 'add', actor, now, version);
      return versionOf(row);
    });
  }

  async versions(name: SecretName): Promise<SecretVersion[]> {
    await existing(this.#database, name);
    return (await versionRows(this.#database, name)).map(versionOf);
  }

  setState(name: SecretName, version: number, state: SecretState, actor: string): Promise<SecretVersion> {
    return this.#erase(async (rows, now) => {
      await existing(rows, name);
      const row = await versionRow(rows, name, version);
      if (row.state === 'DESTROYED') throw destroyed(name, row.version);
      const gone = state === 'DESTROYED' ? { destroyed_at: now, key_id: null, sealed: null } : {};
      await rows
        .updateTable('secret_versions')
        .set({ state, ...gone })
        .where('project', '=', name.project)
        .where('secret', '=', name.secret)
        .where('version', '=', row.version)
        .execute();
      await note(rows, name, ACTIONS[state], actor, now, row.version);
      return versionOf({ ...row, state, ...gone });
    });
  }

  remove(name: SecretName, actor: string): Promise<boolean> {
    return this.#erase(async (rows, now) => {
      const { numDeletedRows } = await rows
        .deleteFrom('secrets')
        .where('project', '=', name.project)
        .where('name', '=', name.secret)
        .executeTakeFirst();
      if (numDeletedRows === 0n) return false;
      await note(rows, name, 'delete', actor, now);
      return true;
    });
  }

  access(name: SecretName, version: number | 'latest', actor: string): Promise<{ version: number; payload: string }> {
    return this.#write(async (rows, now) => {
      const secret = await existing(rows, name);
      const row = await versionRow(rows, name, version);
      if (row.state === 'DISABLED')
        throw new Problem('conflict', `${versionName(name, row.version)} is disabled`, {
          hint: `slipway secret enable ${name.secret} ${row.version} --project ${name.project} gives it back.`,
        });
      if (row.key_id === null || row.sealed === null) throw destroyed(name, row.version);
      const value = await this.#keys.open({ keyId: row.key_id, sealed: row.sealed }, placeOf(secret, row.version));
      await note(rows, name, 'access', actor, now, row.version);
      return { version: row.version, payload: value.toString('base64') };
    });
  }

  async events(project: string, secret: string | undefined, limit: number): Promise<SecretEvent[]> {
    let query = this.#database.selectFrom('secret_events').selectAll().where('project', '=', project);
    if (secret !== undefined) query = query.where('secret', '=', secret);
    const rows = await query.orderBy('id', 'desc').limit(limit).execute();
    return rows.map(({ at, actor, action, secret, version }) => ({
      at: timestamp(at),
      actor,
      action,
      secret,
      ...(version === null ? {} : { version }),
    }));
  }

  /** Opens every value, for the doctor. @returns how many there are, and why some don't open */
  async examine(): Promise<{ values: number; broken: { name: string; why: string }[] }> {
    const broken: { name: string; why: string }[] = [];
    const rows = await this.#database
      .selectFrom('secret_versions')
      .innerJoin('secrets', (join) =>
        join
          .onRef('secrets.project', '=', 'secret_versions.project')
          .onRef('secrets.name', '=', 'secret_versions.secret'),
      )
      .select(['secrets.project', 'name', 'secrets.created_at', 'labels', 'version', 'key_id', 'sealed'])
      .where('sealed', 'is not', null)
      .execute();
    for (const { version, key_id, sealed, ...secret } of rows)
      try {
        await this.#keys.open({ keyId: key_id ?? '', sealed: sealed ?? '' }, placeOf(secret, version));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        broken.push({
          name: versionName({ project: secret.project, secret: secret.name }, version),
          why: error.message,
        });
      }
    return { values: rows.length, broken };
  }

  /** What goes is overwritten in the file of the database, which SQLite would leave where it was until it needs the room. */
  #erase<T>(work: (rows: Rows, now: number) => Promise<T>): Promise<T> {
    return this.#write(async (rows, now) => {
      await sql`pragma secure_delete = on`.execute(rows);
      try {
        return await work(rows, now);
      } finally {
        await sql`pragma secure_delete = off`.execute(rows);
      }
    });
  }

  #write<T>(work: (rows: Rows, now: number) => Promise<T>): Promise<T> {
    return this.#database.transaction().execute((rows) => work(rows, this.#clock.now()));
  }
}

/** What a value is bound to when it is encrypted. The time tells a secret from a later one of the same name. */
function placeOf({ project, name, created_at }: SecretRow, version: number): string {
  return JSON.stringify(['secret', project, name, created_at, version]);
}

function find(rows: Rows, { project, secret }: SecretName): Promise<SecretRow | undefined> {
  return rows
    .selectFrom('secrets')
    .selectAll()
    .where('project', '=', project)
    .where('name', '=', secret)
    .executeTakeFirst();
}

async function existing(rows: Rows, name: SecretName): Promise<SecretRow> {
  const row = await find(rows, name);
  if (row !== undefined) return row;
  throw new Problem('not-found', `there is no secret ${name.secret} in project ${name.project}`, {
    hint: `slipway secret list --project ${name.project} shows those that are there; slipway secret create ${name.secret} makes it.`,
  });
}

function versionRows(rows: Rows, { project, secret }: SecretName, limit = Number.MAX_SAFE_INTEGER) {
  return rows
    .selectFrom('secret_versions')
    .selectAll()
    .where('project', '=', project)
    .where('secret', '=', secret)
    .orderBy('version', 'desc')
    .limit(limit)
    .execute();
}

async function versionRow(rows: Rows, name: SecretName, version: number | 'latest'): Promise<VersionRow> {
  const found =
    version === 'latest'
      ? (await versionRows(rows, name, 1))[0]
      : (await versionRows(rows, name)).find((row) => row.version === version);
  if (found !== undefined) return found;
  throw new Problem('not-found', `${versionName(name, version)} is not there`, {
    hint:
      version === 'latest'
        ? `The secret has no version yet: slipway secret add ${name.secret} --project ${name.project}`
        : `slipway secret versions ${name.secret} --project ${name.project} shows those that are there.`,
  });
}

function destroyed(name: SecretName, version: number): Problem {
  return new Problem('conflict', `${versionName(name, version)} is destroyed`, {
    hint: `Its bytes are gone. Add the value again: slipway secret add ${name.secret} --project ${name.project}`,
  });
}

/** Whether no value was ever encrypted that still is there: then a new key file loses nothing. */
async function isFirst(rows: Rows): Promise<boolean> {
  const some = await rows
    .selectFrom('secret_versions')
    .select('version')
    .where('sealed', 'is not', null)
    .executeTakeFirst();
  return some === undefined;
}

async function note(
  rows: Rows,
  { project, secret }: SecretName,
  action: SecretEvent['action'],
  actor: string,
  at: number,
  version: number | null = null,
): Promise<void> {
  await rows.insertInto('secret_events').values({ at, actor, action, project, secret, version }).execute();
  const beyond = rows
    .selectFrom('secret_events')
    .select('id')
    .where('project', '=', project)
    .where('secret', '=', secret)
    .orderBy('id', 'desc')
    .limit(1)
    .offset(EVENTS_KEPT);
  const last = await beyond.executeTakeFirst();
  if (last === undefined) return;
  await rows
    .deleteFrom('secret_events')
    .where('project', '=', project)
    .where('secret', '=', secret)
    .where('id', '<=', last.id ?? 0)
    .execute();
}

function infoOf(row: SecretRow): SecretInfo {
  return {
    project: row.project,
    secret: row.name,
    createTime: timestamp(row.created_at),
    labels: JSON.parse(row.labels) as Record<string, string>,
  };
}

function versionOf(row: VersionRow): SecretVersion {
  return {
    project: row.project,
    secret: row.secret,
    version: row.version,
    state: row.state,
    createTime: timestamp(row.created_at),
    ...(row.destroyed_at === null ? {} : { destroyTime: timestamp(row.destroyed_at) }),
  };
}
