import { existsSync, readdirSync } from 'node:fs';
import { chmod, cp, link, lutimes, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';

/** `args.json` of a case: what the command line adds, and what git can't keep of a context. */
export interface CaseArgs {
  buildArgs?: Record<string, string>;
  target?: string;
  labels?: Record<string, string>;
  /** Dockerfile below the context; absent: the case's own, copied into the context as `Dockerfile`. */
  file?: string;
  /** Part of our message, where the build has to fail. */
  fails?: string;
  context?: {
    /** Octal, by path. */
    modes?: Record<string, string>;
    folders?: string[];
    /** New name -> existing one. */
    hardlinks?: Record<string, string>;
    /** Packed by gzip when the name says so. */
    archives?: Record<string, ArchiveEntry[]>;
  };
}

interface ArchiveEntry {
  name: string;
  type?: 'file' | 'directory' | 'symlink' | 'link';
  mode?: string;
  uid?: number;
  gid?: number;
  linkname?: string;
  text?: string;
  pax?: Record<string, string>;
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
      const parent = existsSync(join(at, 'parent.Dockerfile'))
        ? await readFile(join(at, 'parent.Dockerfile'), 'utf8')
        : undefined;
      return { name, folder: at, context: join(at, 'context'), file: args.file ?? 'Dockerfile', args, parent };
    }),
  );
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
  const { modes = {}, folders = [], hardlinks = {}, archives = {} } = args.context ?? {};
  for (const each of folders) await mkdir(join(context, each), { recursive: true });
  for (const [name, entries] of Object.entries(archives)) {
    await mkdir(dirname(join(context, name)), { recursive: true });
    const packed = await pack(entries);
    await writeFile(join(context, name), name.endsWith('gz') ? gzipSync(packed) : packed);
  }
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

async function pack(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const archive = tar.pack();
  for (const { text = '', mode, type = 'file', ...rest } of entries) {
    const permission = Number.parseInt(mode ?? (type === 'directory' ? '755' : '644'), 8);
    archive.entry({ ...rest, type, mode: permission, mtime: MTIME }, type === 'file' ? text : '');
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
