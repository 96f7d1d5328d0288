import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { z } from 'zod';

/**
 * The direction of imports, as layers.json has it. Reads import lines as text: dependency tools that need TypeScript's API
 * were seen to check nothing and pass, so this checker is small enough to be read, and is itself tested by planted
 * violations.
 */
const layersSchema = z.object({
  rows: z.array(z.array(z.string())),
  only: z.array(
    z.object({ module: z.string().optional(), room: z.string().optional(), importer: z.string(), because: z.string() }),
  ),
});

export type Layers = z.infer<typeof layersSchema>;

export interface SourceFile {
  /** Relative to the repository, with slashes: `src/engine/solve.ts`. */
  path: string;
  text: string;
}

export function readLayers(root: string): Layers {
  return layersSchema.parse(JSON.parse(readFileSync(join(root, 'layers.json'), 'utf8')));
}

export function readSources(root: string): SourceFile[] {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  return files
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => {
      const path = relative(root, join(root, 'src', name));
      return { path, text: readFileSync(join(root, path), 'utf8') };
    });
}

/** One sentence per violation. */
export function violations(files: SourceFile[], layers: Layers): string[] {
  return files.flatMap((file) => [
    ...importsOf(file.text).flatMap((specifier) => importViolations(file.path, specifier, layers)),
    ...houseViolations(file),
  ]);
}

function importsOf(text: string): string[] {
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

function importViolations(path: string, specifier: string, layers: Layers): string[] {
  const say = (why: string) => [`${path} imports ${specifier}: ${why}`];
  if (!specifier.startsWith('.')) {
    const rule = layers.only.find((entry) => entry.module !== undefined && isModule(specifier, entry.module));
    return rule === undefined || path.startsWith(rule.importer) || path.endsWith('.test.ts') ? [] : say(rule.because);
  }
  if (specifier.startsWith(DOCKER_DOOR.test(path) ? '../../../../' : '../../../'))
    return say('imports go no deeper than ../../, or ../../../ from a folder of the docker door');
  const target = posix.normalize(posix.join(dirname(path), specifier));
  const [from, to] = [roomOf(path), roomOf(target)];
  if (path.endsWith('.test.ts') || from === undefined || to === undefined) return [];
  const door = /^src\/doors\/([^/]+)\//;
  const [fromDoor, toDoor] = [door.exec(path)?.[1], door.exec(target)?.[1]];
  if (from === 'doors' && to === 'doors')
    return fromDoor === toDoor || SHARED.includes(toDoor ?? '') ? [] : say('no door imports another');
  if (from === to) return [];
  if (from === 'cli' && to === 'doors')
    return /(?:\/|-)wire\.ts$/.test(target) ? [] : say('cli imports nothing of a door but wire.ts and *-wire.ts');
  const only = layers.only.find((entry) => entry.room === to);
  if (only !== undefined && !path.startsWith(only.importer)) return say(only.because);
  const row = (room: string) => layers.rows.findIndex((rooms) => rooms.includes(room));
  if (row(from) < 0) return say(`${from} stands in no row of layers.json`);
  if (row(to) < 0) return say(`${to} stands in no row of layers.json`);
  if (row(from) === row(to))
    return to === 'config.ts' || from === 'config.ts' ? [] : say(`${from} and ${to} stand in one row`);
  return row(from) < row(to) ? [] : say(`${to} stands above ${from}`);
}

/** What the doors share. */
const SHARED: readonly string[] = ['http', 'grpc'];

/** The one door that is large enough for folders of its own. */
const DOCKER_DOOR = /^src\/doors\/docker\/[^/]+\//;

function isModule(specifier: string, module: string): boolean {
  return specifier === module || specifier.startsWith(`${module}/`);
}

/** The folder below src/, or the file itself for those that lie directly in it. */
function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)/.exec(path)?.[1];
}

const LINE_LIMIT = 400;
const GENERATED = /\/gen\/[a-z-]+_pb\.ts$/;
const NAMELESS = /(?:^|\/)(?:utils?|helpers?|misc|common|index)\.ts$/;

function houseViolations(file: SourceFile): string[] {
  const found: string[] = [];
  const lines = file.text.split('\n').length - 1;
  if (lines > LINE_LIMIT && !GENERATED.test(file.path) && !/^\/\*\*[\s\S]*?over 400 lines because/i.test(file.text))
    found.push(`${file.path} has ${lines} lines; ${LINE_LIMIT} at most, or a reason in its head comment`);
  if (NAMELESS.test(file.path)) found.push(`${file.path}: the name says nothing, or it is a barrel`);
  return found;
}
