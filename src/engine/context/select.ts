import { nearest } from '../../lib/nearest.ts';
import { ancestorsOf, baseOf, cleanPath, joinPath, parentOf } from '../trees/entry.ts';
import type { SourceEntry, SourceTree } from './source-tree.ts';

/** Which paths of a tree may not be copied. */
export interface Exclusion {
  excludes(path: string): boolean;
  /** Whether nothing below an excluded folder can be let in again, so that it needn't be walked. */
  prunes(path: string): boolean;
}

export const NOTHING_EXCLUDED: Exclusion = { excludes: () => false, prunes: () => false };

/** Excluded by either. */
export function eitherExcludes(a: Exclusion, b: Exclusion): Exclusion {
  return {
    excludes: (path) => a.excludes(path) || b.excludes(path),
    prunes: (path) => (a.excludes(path) && a.prunes(path)) || (b.excludes(path) && b.prunes(path)),
  };
}

/** The same rules, for paths that begin at a folder. */
function below(exclusion: Exclusion, folder: string): Exclusion {
  const from = folder === '' ? 0 : folder.length + 1;
  return {
    excludes: (path) => exclusion.excludes(path.slice(from)),
    prunes: (path) => exclusion.prunes(path.slice(from)),
  };
}

/** One thing that a COPY was told to copy. */
export interface Selected {
  /** What --parents keeps of the path: all of it, or what stands behind `/./`. */
  kept: string;
  /** The folders of what is kept, a folder that is copied itself among them; empty without --parents. */
  folders: { name: string; entry: SourceEntry }[];
  /** Name as the Dockerfile (or the glob's match) says it, for a destination that is a folder. */
  name: string;
  entry: SourceEntry;
  /** For a folder, what it holds; paths are below the tree's root. */
  content: SourceEntry[];
}

/** Go's filepath.Match on one name, as Dockerfile globs have it. */
export type NameMatcher = (pattern: string, name: string) => boolean;

const GLOB = /[*?[\\]/;

export function isGlob(path: string): boolean {
  return GLOB.test(path);
}

export interface SelectRules {
  /** Of the whole tree: the ignore file's. */
  exclusion: Exclusion;
  /** Of --exclude: paths begin at the source, which for a file is its own name. */
  without: Exclusion;
  matches: NameMatcher;
  /** With --parents, `**` stands for any number of folders, also for none. */
  deep: boolean;
}

/** What one source of COPY means in a tree; empty when nothing is there or everything is excluded. */
export function selectSource(tree: SourceTree, source: string, rules: SelectRules): Selected[] {
  const { exclusion, without, deep } = rules;
  const out: Selected[] = [];
  for (const { at, root } of pathsOf(tree, source, rules)) {
    const entry = tree.find(at, true);
    if (entry === undefined) continue;
    const name = baseOf(at);
    const kept = root === '' ? at : at.slice(root.length + 1);
    const folders = deep ? foldersOf(tree, root, kept) : [];
    if (entry.type !== 'folder') {
      if (exclusion.excludes(at) || exclusion.excludes(entry.path) || without.excludes(name)) continue;
      out.push({ name, kept, folders, entry, content: [] });
      continue;
    }
    const content = folderContent(tree, entry.path, eitherExcludes(exclusion, below(without, entry.path)));
    if (content.length > 0 || at === '' || !exclusion.excludes(at)) out.push({ name, kept, folders, entry, content });
  }
  return out;
}

/** The paths that a source means, and of each the folder in front of `/./`, which may be a glob's match. */
function* pathsOf(
  tree: SourceTree,
  source: string,
  { matches, deep }: SelectRules,
): Iterable<{ at: string; root: string }> {
  const pivot = deep ? source.indexOf('/./') : -1;
  const front = pivot < 0 ? '' : cleanPath(source.slice(0, pivot));
  const back = cleanPath(pivot < 0 ? source : source.slice(pivot + 3));
  for (const root of isGlob(front) ? expandGlob(tree, front, matches) : [front])
    for (const at of isGlob(back) ? expandGlob(tree, back, matches, deep, root) : [joinPath(root, back)])
      yield { at, root };
}

function foldersOf(tree: SourceTree, root: string, kept: string): Selected['folders'] {
  if (kept === '') return [];
  return [...ancestorsOf(kept), kept].flatMap((path) => {
    const entry = path === '' ? undefined : tree.find(joinPath(root, path), true);
    return entry?.type === 'folder' ? [{ name: baseOf(path), entry }] : [];
  });
}

/** A folder's entries without the excluded; a folder that is excluded itself stays when something below it is let in. */
export function folderContent(tree: SourceTree, folder: string, exclusion: Exclusion): SourceEntry[] {
  const out: SourceEntry[] = [];
  const waiting: SourceEntry[] = [];
  for (const entry of tree.walk(folder, (path) => exclusion.excludes(path) && exclusion.prunes(path))) {
    while (waiting.length > 0 && !entry.path.startsWith(`${waiting.at(-1)?.path}/`)) waiting.pop();
    if (exclusion.excludes(entry.path)) {
      if (entry.type === 'folder') waiting.push(entry);
      continue;
    }
    out.push(...waiting.splice(0), entry);
  }
  return out;
}

/** The paths that a glob of COPY means, the excluded among them. */
export function expandGlob(tree: SourceTree, pattern: string, matches: NameMatcher, deep = false, root = ''): string[] {
  let found = [root];
  const parts = pattern.split('/');
  for (const [i, part] of parts.entries()) {
    found = found.flatMap((folder) => {
      if (deep && part === '**') return i === parts.length - 1 ? [folder] : [folder, ...foldersBelow(tree, folder)];
      if (!isGlob(part)) return [joinPath(folder, part)];
      return tree
        .names(folder)
        .filter((name) => matches(part, name))
        .map((name) => joinPath(folder, name));
    });
  }
  return [...new Set(found)].filter((path) => tree.find(path, false) !== undefined);
}

function foldersBelow(tree: SourceTree, folder: string): string[] {
  const out: string[] = [];
  if (tree.find(folder, false)?.type !== 'folder') return out;
  for (const { path, type } of tree.walk(folder, () => false)) if (type === 'folder') out.push(path);
  return out;
}

/** Names near a missing one, for "did you mean": in another case, mistyped, or one that begins alike. */
export function similarNames(tree: SourceTree, path: string): string[] {
  const folder = parentOf(path);
  const wanted = baseOf(path).toLowerCase();
  return tree
    .names(folder)
    .filter((name) => {
      const lower = name.toLowerCase();
      if (lower === wanted || nearest(wanted, [lower]) !== undefined) return true;
      return wanted.length >= 3 && (lower.startsWith(wanted) || wanted.startsWith(lower));
    })
    .sort((a, b) => Math.abs(a.length - wanted.length) - Math.abs(b.length - wanted.length))
    .slice(0, 3)
    .map((name) => joinPath(folder, name));
}

/** Why globs match nothing: the rule that keeps out what the first of them matches, or else just that. */
export function whyNothing(
  tree: SourceTree,
  sources: readonly string[],
  matches: NameMatcher,
  whyExcluded?: (path: string) => string | undefined,
): string {
  for (const source of sources) {
    const [path] = expandGlob(tree, cleanPath(source), matches);
    const why = path === undefined ? undefined : whyExcluded?.(path);
    if (why !== undefined) return why;
  }
  return `Nothing matches ${sources.join(' ')}.`;
}
