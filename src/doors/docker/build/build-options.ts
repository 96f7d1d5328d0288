import type { Limits } from '../../../containers/container.ts';
import type { RunSettings } from '../../../engine/request.ts';
import { type Platform, parsePlatform } from '../../../images/platform.ts';
import { DockerError } from '../errors.ts';
import { booleanOf, integerOf } from '../query.ts';

/** What `POST /build` asks for, whichever builder does it. */
export interface BuildOptions {
  tags: string[];
  /** Below the context. */
  dockerfile: string;
  /** Where the context is, if it doesn't come with the request. */
  remote: string;
  target: string | undefined;
  buildArgs: Record<string, string>;
  labels: Record<string, string>;
  cacheFrom: string[];
  platform: Platform | undefined;
  quiet: boolean;
  noCache: boolean;
  pull: boolean;
  networkMode: string;
  run: RunSettings;
  outputs: { type: string; attributes: Record<string, string> }[];
  /** Name by which `/build/cancel` knows the build. */
  id: string;
  session: string;
}

/**
 * Reads the query of docker's clients. Those of old send every parameter and mean "none" by `null`, by nothing or by 0.
 * @throws DockerError 400
 */
export function buildOptions(query: URLSearchParams): BuildOptions {
  refuse(query);
  const platform = query.get('platform') ?? '';
  return {
    tags: query.getAll('t').filter((tag) => tag !== ''),
    dockerfile: query.get('dockerfile') || 'Dockerfile',
    remote: query.get('remote') ?? '',
    target: query.get('target') || undefined,
    buildArgs: textsOf(jsonOf(query, 'buildargs', 'build args'), 'build args'),
    labels: textsOf(jsonOf(query, 'labels', 'labels'), 'labels'),
    cacheFrom: listOf(jsonOf(query, 'cachefrom', 'cache-from')).flatMap((name) =>
      typeof name === 'string' && name !== '' ? [name] : [],
    ),
    platform: platform === '' ? undefined : parsePlatform(platform.toLowerCase()),
    quiet: booleanOf(query, 'q'),
    noCache: booleanOf(query, 'nocache'),
    pull: booleanOf(query, 'pull'),
    networkMode: query.get('networkmode') || 'default',
    run: runSettings(query),
    outputs: listOf(jsonOf(query, 'outputs', 'outputs')).map((output) => ({
      type: String(Object(output).Type ?? ''),
      attributes: textsOf(Object(output).Attrs, 'outputs'),
    })),
    id: query.get('buildid') ?? '',
    session: query.get('session') ?? '',
  };
}

/** What would make another image, or another container, than was asked for. */
function refuse(query: URLSearchParams): void {
  if (booleanOf(query, 'squash')) throw new DockerError(400, 'squash is only supported with experimental mode');
  if (query.getAll('securityopt').some((option) => option !== ''))
    throw new DockerError(400, 'The daemon on this platform does not support setting security options on build');
  const isolation = query.get('isolation') ?? '';
  if (!['', 'default'].includes(isolation))
    throw new DockerError(400, `Unsupported isolation: ${JSON.stringify(isolation)}`);
}

function runSettings(query: URLSearchParams): RunSettings {
  const positive = (name: string) => {
    const value = integerOf(query, name);
    return value === undefined || value <= 0 ? undefined : value;
  };
  const quota = positive('cpuquota');
  const swap = integerOf(query, 'memswap');
  const limits: Limits = {
    ...given('memoryBytes', positive('memory')),
    ...given('memorySwapBytes', swap === 0 ? undefined : swap),
    ...given('cpus', quota === undefined ? undefined : quota / (positive('cpuperiod') ?? 100_000)),
    ...given('cpuShares', positive('cpushares')),
    ...given('cpuset', query.get('cpusetcpus') || undefined),
  };
  const ulimits = listOf(jsonOf(query, 'ulimits', 'ulimit')).map((ulimit) => {
    const { Name: name, Soft: soft, Hard: hard } = Object(ulimit) as Record<string, unknown>;
    if (typeof name !== 'string' || typeof soft !== 'number' || typeof hard !== 'number')
      throw new DockerError(400, 'error reading ulimit settings: Name, Soft and Hard are expected');
    return { name, soft, hard };
  });
  const extraHosts = query.getAll('extrahosts').filter((host) => host !== '' && host !== 'null');
  return {
    ...(extraHosts.length === 0 ? {} : { extraHosts }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(ulimits.length === 0 ? {} : { ulimits }),
    ...given('shmBytes', positive('shmsize')),
  };
}

function given<K extends string, V>(name: K, value: V | undefined): { [name in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [name in K]?: V });
}

function jsonOf(query: URLSearchParams, name: string, what: string): unknown {
  const text = query.get(name) ?? '';
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new DockerError(400, `error reading ${what}: ${JSON.stringify(text.slice(0, 100))} is no JSON`);
  }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A value of `null` is that of a variable which the client's environment doesn't have. */
function textsOf(value: unknown, what: string): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const entries = Object.entries(value).filter(([, text]) => text !== null);
  const wrong = entries.find(([, text]) => typeof text === 'object');
  if (wrong !== undefined) throw new DockerError(400, `error reading ${what}: the value of ${wrong[0]} is no text`);
  return Object.fromEntries(entries.map(([name, text]) => [name, String(text)]));
}
