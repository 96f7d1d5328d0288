import { chmod, copyFile, link, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../lib/durable-file.ts';
import { Problem } from '../lib/problem.ts';

/** A data folder's own files: settings, keys, tokens. Sockets, locks and the database's log are made anew. */
const LEFT_OUT = /^(?:slipway\.db.*|.*\.sock|owner\.lock|.*\.tmp)$/;
const PARTIAL = '.partial';

/**
 * A folder of backups:
 *
 *     content/                     blobs of all snapshots, as in a data folder
 *     snapshots/2026-11-21T09-15-00Z/
 *       slipway.db                 rows, as they were at one moment
 *       files/                     slipway.yaml, token, keys
 *       place.json                 where the blobs are, if not on disk
 *       logs/                      of builds
 *
 * A snapshot has its name once everything that it needs is there.
 */
export class BackupFolder {
  readonly content: string;
  readonly #snapshots: string;

  constructor(root: string) {
    this.content = join(root, 'content');
    this.#snapshots = join(root, 'snapshots');
  }

  snapshot(name: string): string {
    return join(this.#snapshots, name);
  }

  /** Oldest first. */
  async list(): Promise<string[]> {
    const names = await readdir(this.#snapshots).catch(() => []);
    return names.filter((name) => /^\d{4}-\d\d-\d\dT[\d-]+Z$/.test(name)).sort();
  }

  /** @param name the latest if absent; @throws Problem `not-found` */
  async choose(name: string | undefined): Promise<string> {
    const names = await this.list();
    const chosen = name ?? names.at(-1);
    if (chosen !== undefined && names.includes(chosen)) return chosen;
    throw new Problem(
      'not-found',
      name === undefined ? `there is no backup below ${this.#snapshots}` : `there is no backup ${name}`,
      {
        hint: names.length === 0 ? 'slipway backup FOLDER makes one.' : `There are: ${names.slice(-10).join(', ')}.`,
      },
    );
  }

  /** A new folder to fill; what an earlier backup left unfinished goes. */
  async begin(now: Date): Promise<{ name: string; folder: string }> {
    await mkdir(this.#snapshots, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#snapshots))
      if (name.endsWith(PARTIAL)) await rm(this.snapshot(name), { recursive: true });
    const name = `${now.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
    if ((await this.list()).includes(name)) throw new Problem('conflict', `there is a backup ${name} already`);
    const folder = this.snapshot(`${name}${PARTIAL}`);
    await mkdir(folder, { mode: 0o700 });
    return { name, folder };
  }

  async finish(name: string): Promise<void> {
    await rename(this.snapshot(`${name}${PARTIAL}`), this.snapshot(name));
    await syncFolder(this.#snapshots);
  }

  async remove(name: string): Promise<void> {
    await rename(this.snapshot(name), this.snapshot(`${name}${PARTIAL}`));
    await rm(this.snapshot(`${name}${PARTIAL}`), { recursive: true });
  }
}

/** Copies the files of a folder, not of those below. */
export async function copyFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(from, { withFileTypes: true }))
    if (entry.isFile() && !LEFT_OUT.test(entry.name)) await copyAs(join(from, entry.name), join(to, entry.name));
  await syncFolder(to);
}

/** As `copyFiles`; a file that is as it was in an earlier copy is a second name of that one. */
export async function copyChangedFiles(from: string, to: string, before: string | undefined): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    const old = before === undefined ? undefined : join(before, entry.name);
    if (old !== undefined && (await isSame(source, old))) await link(old, target);
    else await copyAs(source, target);
  }
  await syncFolder(to);
}

/** With its rights and its date. */
async function copyAs(source: string, target: string): Promise<void> {
  const { mode, atime, mtime } = await stat(source);
  await copyFile(source, target);
  await chmod(target, mode & 0o777);
  await utimes(target, atime, mtime);
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return (
    first !== undefined &&
    second !== undefined &&
    first.size === second.size &&
    Math.abs(first.mtimeMs - second.mtimeMs) < 1
  );
}
