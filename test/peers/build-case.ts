import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, cp, link, lutimes, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ArchiveEntry, packArchive } from './case-archive.ts';

/** `args.json` of a case: what the command line adds, and what git can't keep of a context. */
export interface CaseArgs {
  buildArgs?: Record<string, string>;
  target?: string;
  labels?: Record<string, string>;
  /** Dockerfile below the context; absent: the case's own, copied into the context as `Dockerfile`. */
  file?: string;
  /** Part of our message, where the build has to fail. */
  fails?: string;
  /** Why docker can't be asked: its golden answer was written by hand then, from what its builders say elsewhere. */
  unasked?: string;
  context?: {
    /** Octal, by path. */
    modes?: Record<string, string>;
    folders?: string[];
    /** New name -> existing one. */
    hardlinks?: Record<string, string>;
    /** Compressed as the name says. */
    archives?: Record<string, ArchiveEntry[]>;
    /** New name -> file of the context that it is the gzip of. */
    packed?: Record<string, string>;
    /** Archives that end after so many bytes. */
    cut?: Record<string, number>;
    fifos?: string[];
  };
}

export interface BuildCase {
  name: string;
  folder: string;
  /** What the context is a copy of. */
  context: string;
  /** Where the Dockerfile is below the context. */
  file: string;
  args: CaseArgs;
  /** Text of a Dockerfile whose image is named `parent` before the case is built. */
  parent: string | undefined;
  /** What a builder is asked that doesn't know the features of the case: the same tree and settings in older words. */
  equivalent: string | undefined;
}

/** Every file of every context was last changed then. */
const MTIME = new Date('2001-02-03T04:05:06Z');

export async function readCases(folder: string): Promise<BuildCase[]> {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return await Promise.all(
    names.map(async (name) => {
      const at = join(folder, name);
      const args = existsSync(join(at, 'args.json'))
        ? (JSON.parse(await readFile(join(at, 'args.json'), 'utf8')) as CaseArgs)
        : {};
      const parent = await textOf(join(at, 'parent.Dockerfile'));
      const equivalent = await textOf(join(at, 'equivalent.Dockerfile'));
      const file = args.file ?? 'Dockerfile';
      return { name, folder: at, context: join(at, 'context'), file, args, parent, equivalent };
    }),
  );
}

async function textOf(path: string): Promise<string | undefined> {
  return existsSync(path) ? await readFile(path, 'utf8') : undefined;
}

/** Does something with the case's context in a folder of its own: the same modes and dates wherever it was cloned. */
export async function withContext<T>(each: BuildCase, use: (context: string) => Promise<T>): Promise<T> {
  const context = await mkdtemp(join(tmpdir(), 'slipway-peer-'));
  try {
    await prepare(each, context);
    return await use(context);
  } finally {
    await rm(context, { recursive: true });
  }
}

async function prepare({ folder, args, ...from }: BuildCase, context: string): Promise<void> {
  if (existsSync(from.context)) await cp(from.context, context, { recursive: true, verbatimSymlinks: true });
  if (args.file === undefined) await cp(join(folder, 'Dockerfile'), join(context, 'Dockerfile'));
  const {
    modes = {},
    folders = [],
    hardlinks = {},
    archives = {},
    packed = {},
    cut = {},
    fifos = [],
  } = args.context ?? {};
  for (const each of folders) await mkdir(join(context, each), { recursive: true });
  for (const [name, entries] of Object.entries(archives)) {
    await mkdir(dirname(join(context, name)), { recursive: true });
    await writeFile(join(context, name), await packArchive(name, entries, MTIME));
  }
  for (const [name, of] of Object.entries(packed))
    await writeFile(join(context, name), execFileSync('gzip', ['-nc', join(context, of)]));
  for (const [name, length] of Object.entries(cut)) await truncate(join(context, name), length);
  for (const name of fifos) execFileSync('mkfifo', [join(context, name)]);
  for (const [name, existing] of Object.entries(hardlinks)) await link(join(context, existing), join(context, name));
  const all = await readdir(context, { withFileTypes: true, recursive: true });
  for (const entry of all) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) await chmod(path, entry.name.endsWith('.sh') ? 0o755 : 0o644);
    if (entry.isDirectory()) await chmod(path, 0o755);
  }
  for (const [name, mode] of Object.entries(modes)) await chmod(join(context, name), Number.parseInt(mode, 8));
  for (const entry of all) await lutimes(join(entry.parentPath, entry.name), MTIME, MTIME);
}
