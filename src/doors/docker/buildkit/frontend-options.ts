import type { CacheExport, CacheImport, Entitlement, RunSettings } from '../../../engine/request.ts';
import { type Platform, parsePlatform } from '../../../images/platform.ts';
import { Problem } from '../../../lib/problem.ts';

/** What a client asks of the Dockerfile frontend. */
export interface FrontendOptions {
  filename: string;
  target: string | undefined;
  buildArgs: Record<string, string>;
  labels: Record<string, string>;
  platforms: Platform[];
  noCache: boolean;
  noCacheFilter: string[];
  pull: boolean;
  /** What `default` means for RUN lines. */
  network: string;
  run: RunSettings;
  /** Address of the context, where it is no folder of the client. */
  remote: string | undefined;
  /** Names of the client's folders in its session. */
  folders: { context: string; dockerfile: string };
  /** Value by name, as written: `docker-image://alpine`, `local:name` ... */
  contexts: Record<string, string>;
  /** Another session than the build's own, for folders of these names. */
  sessions: Record<string, string>;
  provenance: 'min' | 'max' | undefined;
  /** Something else is wanted than an image: `frontend.lint` ... */
  request: string | undefined;
}

type Attributes = Readonly<Record<string, string>>;

/** What begins with these belongs together. */
const MANY = {
  buildArgs: 'build-arg:',
  labels: 'label:',
  contexts: 'context:',
  sessions: 'local-sessionid:',
} as const;

const NETWORKS: Record<string, string> = { host: 'host', none: 'none', sandbox: 'default', default: 'default' };

/** Reads the attributes of the frontend `dockerfile.v0`. What it doesn't know means nothing here. @throws Problem `invalid`, `unsupported` */
export function frontendOptions(attributes: Attributes): FrontendOptions {
  const noCache = attributes['no-cache'];
  const network = attributes['force-network-mode'] ?? 'default';
  if (attributes['attest:sbom'] !== undefined && !isOff(attributes['attest:sbom']))
    throw new Problem('unsupported', '--sbom: bills of material are not made here', {
      hint: 'Build with --sbom=false.',
    });
  return {
    filename: attributes['filename'] || 'Dockerfile',
    target: attributes['target'] || undefined,
    buildArgs: prefixed(attributes, MANY.buildArgs),
    labels: prefixed(attributes, MANY.labels),
    platforms: listed(attributes['platform']).map((platform) => parsePlatform(platform.toLowerCase())),
    noCache: noCache === '',
    noCacheFilter: listed(noCache),
    pull: attributes['image-resolve-mode'] === 'pull',
    network: NETWORKS[network] ?? network,
    run: runSettings(attributes),
    remote: attributes['context'] || undefined,
    folders: {
      context: attributes['contextkey'] || 'context',
      dockerfile: attributes['dockerfilekey'] || 'dockerfile',
    },
    contexts: prefixed(attributes, MANY.contexts),
    sessions: prefixed(attributes, MANY.sessions),
    provenance: provenance(attributes['attest:provenance']),
    request: attributes['requestid'] || undefined,
  };
}

/** A cache as a client names it, for `--cache-from`. @throws Problem `unsupported` */
export function cacheImport({ type, attrs }: { type: string; attrs: Attributes }): CacheImport {
  if (type === 'registry') return { kind: 'registry', reference: attrs['ref'] ?? '' };
  throw notACache('--cache-from', type);
}

/** The same for `--cache-to`. @throws Problem `unsupported` */
export function cacheExport({ type, attrs }: { type: string; attrs: Attributes }): CacheExport {
  if (type === 'inline') return { kind: 'inline' };
  const mode = attrs['mode'] === 'max' ? 'max' : 'min';
  if (type === 'registry') return { kind: 'registry', reference: attrs['ref'] ?? '', mode };
  throw notACache('--cache-to', type);
}

/** @throws Problem `unsupported` for one that nobody here can give */
export function entitlement(text: string): Entitlement {
  if (text === 'network.host' || text === 'security.insecure') return text;
  throw new Problem('unsupported', `--allow ${text} is not known here`, {
    hint: 'Known are network.host and security.insecure.',
  });
}

function notACache(flag: string, type: string): Problem {
  return new Problem('unsupported', `${flag} type=${type} is not served by this builder`, {
    hint: 'Types: registry, and inline for --cache-to. What was built here is cached anyway.',
  });
}

function runSettings(attributes: Attributes): RunSettings {
  const hosts = listed(attributes['add-hosts']).map((host) => host.replace('=', ':'));
  const shm = Number(attributes['shm-size'] ?? 0);
  const ulimits = listed(attributes['ulimit']).map(ulimitOf);
  return {
    ...(hosts.length === 0 ? {} : { extraHosts: hosts }),
    ...(shm > 0 ? { shmBytes: shm } : {}),
    ...(ulimits.length === 0 ? {} : { ulimits }),
  };
}

/** `nofile=1024:2048`, or one number for both. */
function ulimitOf(text: string): { name: string; soft: number; hard: number } {
  const [, name, soft, hard = soft] = /^(\w+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (name === undefined) throw new Problem('invalid', `--ulimit ${text}: name=soft:hard is expected`);
  return { name, soft: Number(soft), hard: Number(hard) };
}

/** A client that wasn't asked for provenance wants it only where it costs nothing: `inline-only`. */
function provenance(value: string | undefined): 'min' | 'max' | undefined {
  if (value === undefined || isOff(value) || /(?:^|,)inline-only=true/.test(value)) return undefined;
  return /(?:^|,)mode=max/.test(value) ? 'max' : 'min';
}

function isOff(value: string): boolean {
  return value === 'false' || /(?:^|,)disabled=true/.test(value);
}

function prefixed(attributes: Attributes, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
    ),
  );
}

function listed(value: string | undefined): string[] {
  return (value ?? '').split(',').filter((part) => part !== '');
}
