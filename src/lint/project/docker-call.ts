import { posix } from 'node:path';
import type { Place } from '../../lib/problem.ts';

/** One `docker build`, as it stands in a config or in a job. Paths are relative to the source's root. */
export interface DockerCall {
  /** `cloudbuild`: its source is what .gcloudignore lets through; `ci`: a checkout. */
  from: 'cloudbuild' | 'ci';
  place: Place;
  /** Undefined when a variable or a command before it decides. */
  dockerfile: string | undefined;
  context: string | undefined;
  tags: readonly string[];
  /** `--build-arg NAME=VALUE`; a value of undefined is taken from the environment. */
  buildArgs: ReadonlyMap<string, string | undefined>;
  /** Not every argument was understood, so what is missing may be there. */
  partial: boolean;
}

export interface DockerBuildArgs
  extends Pick<DockerCall, 'dockerfile' | 'context' | 'tags' | 'buildArgs' | 'partial'> {}

/** Flags with a value in the next word; what isn't here and has no `=` is taken for a switch. */
const WITH_VALUE = new Set(
  `-t --tag -f --file --build-arg --target --cache-from --cache-to --network --platform --label -l --secret --ssh -o --output
   --progress --iidfile --add-host --build-context --builder --ulimit --shm-size -m --memory --memory-swap -c --cpu-shares
   --cpu-period --cpu-quota --cpuset-cpus --cpuset-mems --cgroup-parent --isolation --allow --attest --annotation
   --metadata-file --no-cache-filter --call --security-opt --provenance --sbom --stream`.split(/\s+/),
);
const SWITCHES = new Set(
  '--no-cache --pull --push --load --rm --force-rm --squash --compress -q --quiet --disable-content-trust --check -D --debug'.split(
    ' ',
  ),
);

/**
 * Reads the words behind `docker`: `build ...`, `buildx build ...`, `image build ...`, `builder build ...`.
 * @param folder where it runs, relative to the source's root; undefined when nobody knows
 */
export function readDockerBuild(words: readonly string[], folder: string | undefined): DockerBuildArgs | undefined {
  const start =
    words[0] === 'build' ? 1 : ['buildx', 'image', 'builder'].includes(words[0] ?? '') && words[1] === 'build' ? 2 : 0;
  if (start === 0) return undefined;
  const tags: string[] = [];
  const buildArgs = new Map<string, string | undefined>();
  const positional: string[] = [];
  let file: string | undefined;
  let partial = false;
  for (let at = start; at < words.length; at++) {
    const word = words[at] ?? '';
    const [flag = '', inline] = splitFlag(word);
    if (!word.startsWith('-') || word === '-') {
      positional.push(word);
      if (word.startsWith('$')) partial = true; // may be several words, or none
      continue;
    }
    if (SWITCHES.has(flag)) continue;
    if (!WITH_VALUE.has(flag)) partial = true;
    const value = inline ?? (WITH_VALUE.has(flag) ? words[++at] : undefined);
    if (value === undefined) continue;
    if (flag === '-t' || flag === '--tag') tags.push(value);
    if (flag === '-f' || flag === '--file') file = value;
    if (flag === '--build-arg') {
      const equals = value.indexOf('=');
      buildArgs.set(equals < 0 ? value : value.slice(0, equals), equals < 0 ? undefined : value.slice(equals + 1));
    }
  }
  const context = positional.length === 1 ? pathIn(folder, positional[0] ?? '') : undefined;
  const dockerfile =
    file === undefined ? (context === undefined ? undefined : posix.join(context, 'Dockerfile')) : pathIn(folder, file);
  return { tags, buildArgs, partial: partial || positional.length !== 1, context, dockerfile };
}

/** `--flag=value`, `-tvalue`, `--flag`. */
function splitFlag(word: string): [string, string | undefined] {
  const equals = word.indexOf('=');
  if (word.startsWith('--')) return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
  if (/^-[tfmo]./.test(word)) return [word.slice(0, 2), word.slice(word[2] === '=' ? 3 : 2)];
  return [word, undefined];
}

/** A path relative to the root, undefined for one with variables, outside the root, of another machine or of standard input. */
export function pathIn(folder: string | undefined, path: string): string | undefined {
  if (folder === undefined || path === '' || path === '-' || /[$`*?]|:\/\/|^git@/.test(path)) return undefined;
  const inRoot = path.startsWith('/workspace/') ? path.slice('/workspace/'.length) : path === '/workspace' ? '.' : path;
  if (inRoot.startsWith('/')) return undefined;
  const joined = posix.join(inRoot === path ? folder : '.', inRoot).replace(/\/$/, '');
  return joined.startsWith('..') ? undefined : joined;
}
