import type { HistoryEntry, ImageConfig, RunConfig } from '../../images/config.ts';
import { normalised } from '../cache/image-history.ts';

/**
 * The config that an image had when its nth layer was made, as far as the config of the finished one tells: history and
 * layers end there, and what a later instruction has set is what an earlier one had set, or nothing.
 * @param count layers that are left, one at least
 */
export function configAfter(config: ImageConfig, count: number): ImageConfig {
  const history = config.history ?? [];
  const end = entriesUpTo(history, count);
  const layers = config.rootfs.diff_ids;
  if (end === history.length && count === layers.length) return config;
  const before = textsOf(history.slice(0, end));
  const after = textsOf(history.slice(end));
  const created = history[end - 1]?.created;
  return {
    ...config,
    ...(created === undefined ? {} : { created }),
    config: runConfigAt(config.config ?? {}, before, after),
    rootfs: { type: 'layers', diff_ids: layers.slice(0, count) },
    history: history.slice(0, end),
  };
}

/** Entries up to the one that made the nth layer; all of them where history doesn't tell. */
function entriesUpTo(history: readonly HistoryEntry[], count: number): number {
  let seen = 0;
  const at = history.findIndex((entry) => entry.empty_layer !== true && ++seen === count);
  return at < 0 ? history.length : at + 1;
}

function textsOf(history: readonly HistoryEntry[]): string[] {
  return history.map((entry) => normalised(entry.created_by ?? ''));
}

function runConfigAt(final: RunConfig, before: readonly string[], after: readonly string[]): RunConfig {
  const { User, WorkingDir, Cmd, Entrypoint, Healthcheck, Env, ...rest } = final;
  const isLater = (word: string) => after.some((text) => text.startsWith(`${word} `));
  const last = (word: string) => before.findLast((text) => text.startsWith(`${word} `))?.slice(word.length + 1);
  const text = (word: string, value: string | undefined) => (isLater(word) ? last(word)?.trim() : value);
  const list = (word: string, value: string[] | null | undefined) => (isLater(word) ? words(last(word)) : value);
  return {
    ...rest,
    ...defined('Env', Env === undefined ? undefined : envAt(Env, before, after)),
    ...defined('User', text('USER', User)),
    ...defined('WorkingDir', text('WORKDIR', WorkingDir)),
    // an ENTRYPOINT takes the base's CMD away, which nobody knows any more
    ...defined('Cmd', list('CMD', Cmd)),
    ...defined('Entrypoint', list('ENTRYPOINT', Entrypoint)),
    ...defined('Healthcheck', isLater('HEALTHCHECK') ? undefined : Healthcheck),
  };
}

/** Variables that are set later have the value of before, or are not there. */
function envAt(final: readonly string[], before: readonly string[], after: readonly string[]): string[] {
  const later = new Set(after.flatMap((text) => [...pairsOf(text).keys()]));
  const earlier = new Map(before.flatMap((text) => [...pairsOf(text)]));
  return final.flatMap((pair) => {
    const [name = ''] = pair.split('=', 1);
    if (!later.has(name)) return [pair];
    const value = earlier.get(name);
    return value === undefined ? [] : [`${name}=${value}`];
  });
}

/** `ENV A=1 B=two words`: history quotes nothing, so that a value ends where the next name begins. */
function pairsOf(text: string): Map<string, string> {
  if (!text.startsWith('ENV ')) return new Map();
  const pairs = text.slice('ENV '.length).split(/\s+(?=[A-Za-z_]\w*=)/);
  return new Map(pairs.map((pair) => [pair.split('=', 1)[0] ?? '', pair.slice(pair.indexOf('=') + 1).trim()]));
}

function defined<K extends keyof RunConfig>(key: K, value: RunConfig[K] | undefined): Partial<RunConfig> {
  return value === undefined || value === null ? {} : { [key]: value };
}

/** `["a", "b"]` of BuildKit and `["a" "b"]` of the classic builder; anything else ran by a shell. */
function words(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  if (!text.startsWith('[')) return ['/bin/sh', '-c', text];
  const found = text.match(/"(?:[^"\\]|\\.)*"/g) ?? [];
  try {
    return found.map((word) => JSON.parse(word) as string);
  } catch {
    return undefined;
  }
}
