import { connectObjects } from '../../src/adapters/owner/client.ts';
import { serveObjects } from '../../src/adapters/owner/server.ts';
import { type Database, openDatabase } from '../../src/adapters/sqlite/database.ts';
import type { DataFolder } from '../../src/lib/data-folder.ts';
import { temporaryDataFolder } from './temporary-folder.ts';

export interface OwnedRows<T> {
  rows: T;
  folder: DataFolder;
  database: Database;
  close(): Promise<void>;
}

/** Rows of a fresh database, as the owner has them. */
export async function ownRows<T extends object>(make: (database: Database) => T): Promise<OwnedRows<T>> {
  const { folder, remove } = await temporaryDataFolder();
  const database = await openDatabase(folder.database);
  const close = async () => {
    await database.destroy();
    await remove();
  };
  return { rows: make(database), folder, database, close };
}

/** The same as a build's process has them: through the owner's socket. */
export async function remoteRows<T extends object>(make: (database: Database) => T): Promise<OwnedRows<T>> {
  const own = await ownRows(make);
  const server = await serveObjects(own.folder.rowsSocket, { objects: () => ({ rows: own.rows }) });
  const client = await connectObjects<{ rows: T }>(own.folder.rowsSocket);
  const close = async () => {
    client.close();
    await server.close();
    await own.close();
  };
  return { ...own, rows: client.objects.rows as T, close };
}
