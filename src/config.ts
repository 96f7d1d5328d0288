import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { parseBytes } from './lib/bytes.ts';
import { parseContentUrl } from './lib/content-url.ts';
import { hasErrorCode, type Place, Problem } from './lib/problem.ts';

/**
 * Every setting of slipway.yaml with its default, unit and reason. The file lies in the data folder; an empty or absent
 * one is complete. The `registries` part is read again when the file changes, everything else at start.
 */
const registriesSchema = z.strictObject({
  /**
   * Hosts that we *are*: images named there are served from our own store. `*` stands for characters. Google's are in
   * the default so that image names in existing cloudbuild.yaml files work unchanged; empty the list to unmap them.
   */
  own: z.array(z.string().min(1)).default(['*-docker.pkg.dev']),
  /** Base URLs asked before a registry itself, in order, e.g. `docker.io: ["http://127.0.0.1:5055"]`. */
  mirrors: z.record(z.string(), z.array(z.url())).default({}),
  /** Hosts spoken to without TLS; loopback addresses always are. */
  plainHttp: z.array(z.string().min(1)).default([]),
  /** Credentials per host; the password is read from a file, so that slipway.yaml can be shared. */
  credentials: z
    .record(z.string(), z.strictObject({ username: z.string().min(1), passwordFile: z.string().min(1) }))
    .default({}),
  /** Projects whose images the builds of all others may read: where the team keeps its base images. */
  sharedProjects: z.array(z.string().min(1)).default([]),
  /** Registries that check what a manifest names, so that their word for a blob counts; of others only the bytes do. */
  vouching: z.array(z.string().min(1)).default(['docker.io']),
  /**
   * Which remote repository answers for a registry: `docker.io: europe-central2/base/hub`. Asked by daemons that have this
   * server as their mirror; absent: the first remote repository of that upstream that the client may read.
   */
  pullThrough: z
    .record(z.string(), z.string().regex(/^[^/]+\/[^/]+\/[^/]+$/, 'write LOCATION/PROJECT/REPOSITORY'))
    .default({}),
  /** The registry that names of two segments mean where nobody pushed such an image here: for dockerd's `registry-mirrors`. */
  mirrorOf: z.string().min(1).optional(),
  /** Location meant by `P/R/IMAGE` at our own address. */
  defaultLocation: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .default('europe-central2'),
  /** A push to a repository that nobody made makes it; without it, `slipway repo create` comes first. */
  createOnPush: z.boolean().default(true),
});

/** A pool of workers; a bare number is its concurrency. */
const poolSchema = z.preprocess(
  (value) => (typeof value === 'number' ? { concurrency: value } : value),
  z.strictObject({
    /** Builds at a time. */
    concurrency: z.number().int().min(1).max(64),
    /** As Compute Engine's: `e2-standard-4` gives each build 4 processors and 16 GB. */
    machineType: z.string().min(1).optional(),
    diskSizeGb: z.number().int().min(1).max(4000).optional(),
  }),
);

const notificationSchema = z.strictObject({
  /** Where a POST is sent for each change of a build's status. */
  url: z.url({ protocol: /^https?$/ }),
  /** File with the key that messages are signed with (Standard Webhooks; `whsec_...` or any text). */
  secretFile: z.string().min(1).optional(),
  /** `projects/P/topics/T`: messages as Pub/Sub pushes them, of builds with this `options.pubsubTopic`; of `cloud-builds`, all of the project. */
  topic: z
    .string()
    .regex(/^projects\/[^/]+\/topics\/[^/]+$/, 'write projects/PROJECT/topics/TOPIC')
    .optional(),
  /** Absent: every change. */
  statuses: z
    .array(
      z.enum([
        'PENDING',
        'QUEUED',
        'WORKING',
        'SUCCESS',
        'FAILURE',
        'INTERNAL_ERROR',
        'TIMEOUT',
        'CANCELLED',
        'EXPIRED',
      ]),
    )
    .optional(),
  /** Whose builds; absent: everybody's. */
  projects: z.array(z.string().min(1)).optional(),
});

/** `10GB`, `500MB`, or a number of bytes; units are powers of 1000, as docker counts them. */
const bytesSchema = z.union([z.number().int().min(0), z.string()]).transform((value, context) => {
  const bytes = parseBytes(String(value));
  if (bytes !== undefined) return bytes;
  context.addIssue({ code: 'custom', message: `${value} is no size: write 500MB, 10GB or a number of bytes` });
  return z.NEVER;
});

const buildsSchema = z.strictObject({
  /**
   * Builds at a time of those that name no pool; more wait in the queue. Absent: one for each processor, two at least,
   * because a build that fetches or pushes leaves its processor to another.
   */
  concurrency: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(() => Math.min(64, Math.max(2, availableParallelism()))),
  /** Pools that every project may name, besides those that a project makes by the API: builds at a time and their limits. */
  pools: z
    .record(z.string().regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, 'write a name of a-z, 0-9 and -'), poolSchema)
    .default({}),
  /** When the server is told to end, running builds have so long to come to theirs; then they are stopped. */
  drainSeconds: z.number().min(0).max(86_400).default(30),
  /** Who is told of what becomes of builds. */
  notifications: z.array(notificationSchema).default([]),
  /** Processes kept started for the next build (about 60 MB each), so that a build begins without Node's start-up. */
  warmProcesses: z.number().int().min(0).max(16).default(1),
  /** `--network=host` for steps and RUN. It reaches every service of this machine, hence off. */
  allowHostNetwork: z.boolean().default(false),
  /** `RUN --security=insecure` for builds that ask for it (--allow security.insecure). It owns this machine, hence off. */
  allowInsecure: z.boolean().default(false),
  /**
   * Processes and threads of one container at a time. No real command has so many; without a bound, one that forks without
   * end takes every number of the machine, and nobody can start a shell to end it.
   */
  maxProcesses: z.number().int().min(64).default(16_384),
  /** What a build may use that names neither a machine type nor a pool with one; absent: all that the machine has. */
  cpus: z.number().positive().optional(),
  /** Of all containers of a build together, e.g. `8GB`. */
  memory: bytesSchema.optional(),
  /** Files of a build, its workspace and what its containers change, where `diskSizeGb` says nothing; absent: the disk is the limit. */
  disk: bytesSchema.optional(),
  /** What the steps of one build may write to its log. */
  maxLogBytes: bytesSchema.prefault('100MB'),
  /** Private range from which every build's bridge takes a /24. */
  networkRange: z
    .string()
    .regex(/^\d+\.\d+\.\d+\.\d+\/\d+$/)
    .default('10.89.0.0/16'),
  /** Images of steps served under another name, of a tag or all tags: `gcr.io/cloud-builders/npm: europe-central2-docker.pkg.dev/p/r/npm`. */
  images: z.record(z.string(), z.string()).default({}),
});

const fetchSchema = z.strictObject({
  /** Hosts (with their port, where they have one) that ADD and contexts of builds may fetch from wherever they are; other
   * loopback, link-local and private addresses are refused. */
  allowHosts: z.array(z.string().min(1)).default([]),
  /** Size of a repository with its history and its files. */
  gitMaxBytes: bytesSchema.prefault('10GB'),
  /** Of what a repository answers when it is asked for its names. */
  gitMaxOutputBytes: bytesSchema.prefault('16MB'),
  /** How long a look-up or a checkout may take. */
  gitMaxSeconds: z.number().positive().max(86_400).default(1800),
});

const retentionSchema = z.strictObject({
  /** Hours for which a deleted image, or all images of a removed repository, can come back; its bytes stay meanwhile. */
  undeleteHours: z.number().min(0).default(168),
  /** Hours that what a push has brought stays without the manifest that names it, counted from the last time anybody asked for it. */
  pushHours: z.number().min(1).default(24),
  /** Hours that deleted bytes stay in trash/ before they are gone: for an image, after `undeleteHours`. */
  trashHours: z.number().min(0).default(168),
  /** Days for which what `slipway submit` sent stays on the server, counted from the last build that used it. */
  sourceDays: z.number().min(3).default(30),
  /** Days after which events of the registry (the audit trail) go. */
  eventDays: z.number().min(0).default(365),
});

/** Where blobs are kept; a bare URL means the rest as it is. */
const contentSchema = z.preprocess(
  (value) => (typeof value === 'string' ? { url: value } : value),
  z
    .strictObject({
      /** `disk`, `s3://BUCKET/PREFIX` or `gs://BUCKET/PREFIX`; absent: where they are. */
      url: z
        .string()
        .refine((url) => parseContentUrl(url) !== undefined, 'write disk, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX')
        .optional(),
      /** Base URL of a server that speaks S3; absent: that of Amazon or Google. */
      endpoint: z.url({ protocol: /^https?$/ }).optional(),
      region: z.string().min(1).optional(),
      /** The bucket's name in the path and not in the host; absent: so at an endpoint that was given. */
      pathStyle: z.boolean().optional(),
      /** Key for the bucket, an HMAC key at Google; absent: what the SDK finds (AWS_ACCESS_KEY_ID, profiles, the machine's role). */
      accessKeyId: z.string().min(1).optional(),
      /** File with its secret. */
      secretKeyFile: z.string().min(1).optional(),
      /** Copies of objects on disk, together; what was used longest ago goes first. */
      cacheMaxBytes: bytesSchema.prefault('20GB'),
      /** Sends clients that pull to the bucket, which they have to reach then. */
      redirect: z.boolean().default(false),
    })
    .refine(({ accessKeyId, secretKeyFile }) => (accessKeyId === undefined) === (secretKeyFile === undefined), {
      message: 'accessKeyId and secretKeyFile belong together',
    })
    .prefault({}),
);

const cacheSchema = z.strictObject({
  /** Layers together; beyond it, what was used longest ago goes. Absent: the disk is the limit. */
  maxBytes: bytesSchema.optional(),
  /** Days after which a record that no build asked for goes. */
  maxAgeDays: z.number().min(0).default(30),
  /** Cache mounts (`RUN --mount=type=cache`) of all projects together; beyond it, those used longest ago go. */
  mountMaxBytes: bytesSchema.prefault('20GB'),
  /** Days that nobody used a cache mount before it goes. */
  mountMaxAgeDays: z.number().min(0).default(30),
});

/** The docker door for other machines; on this one it has its socket in the data folder. */
const dockerSchema = z.strictObject({
  /** HOST:PORT for clients with a certificate (`slipway docker-cert`); absent: none. */
  listen: z.string().optional(),
  /** Names and addresses that clients reach it by, besides those of this machine: they are in its certificate. */
  names: z.array(z.string().min(1)).default([]),
});

const webhookSchema = z.strictObject({
  /** Where a POST is sent for each event of the registry. */
  url: z.url({ protocol: /^https?$/ }),
  /** File with the key that messages are signed with (Standard Webhooks; `whsec_...` or any text). */
  secretFile: z.string().min(1).optional(),
  actions: z
    .array(
      z.enum([
        'push',
        'tag',
        'untag',
        'delete',
        'undelete',
        'create-repository',
        'update-repository',
        'delete-repository',
      ]),
    )
    .default(['push', 'tag', 'untag', 'delete']),
  /** As in `slipway token create --repository`: `P`, `P/R`, `P/R/team/*`, `*`. */
  repositories: z.array(z.string().min(1)).default(['*']),
});

const configSchema = z.strictObject({
  /** HOST:PORT of every HTTP door. Loopback, unless a token is required from everybody. */
  listen: z.string().default('127.0.0.1:7070'),
  /** Address that people reach this server by, for links in logs; absent: http://<listen>. */
  publicUrl: z.url().optional(),
  /** `none` makes everybody on the listener the owner; only for a machine that nobody else reaches. */
  auth: z.enum(['token', 'none']).default('token'),
  registries: registriesSchema.prefault({}),
  builds: buildsSchema.prefault({}),
  fetch: fetchSchema.prefault({}),
  retention: retentionSchema.prefault({}),
  content: contentSchema,
  cache: cacheSchema.prefault({}),
  docker: dockerSchema.prefault({}),
  /** Who is told of pushes and deletions. */
  webhooks: z.array(webhookSchema).default([]),
});

export type Config = z.infer<typeof configSchema>;
export type RegistriesConfig = Config['registries'];

/**
 * Reads slipway.yaml.
 * @throws Problem `invalid` with file, line and column of each mistake
 */
export function readConfig(path: string): Config {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
  return parseConfig(text, path);
}

/** As `readConfig`, for text in hand. */
export function parseConfig(text: string, file: string): Config {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const place = (from: number, to: number): Place => {
    const start = counter.linePos(from);
    const end = counter.linePos(to);
    return { file, text, ranges: [{ line: start.line, column: start.col, endLine: end.line, endColumn: end.col }] };
  };
  const broken = document.errors[0];
  if (broken !== undefined)
    throw new Problem('invalid', `slipway.yaml: ${broken.message.split('\n')[0]}`, { place: place(...broken.pos) });
  const result = configSchema.safeParse(document.toJS({ maxAliasCount: 10 }) ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue === undefined) throw result.error;
  const path =
    issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path.filter((key) => key !== '');
  const node = issue.code === 'unrecognized_keys' ? keyNode(document, path) : document.getIn(path, true);
  const range = isRanged(node) ? node.range : undefined;
  const name = path.join('.');
  throw new Problem(
    'invalid',
    issue.code === 'unrecognized_keys'
      ? `slipway.yaml: unknown setting ${name}`
      : `slipway.yaml: ${name}: ${issue.message}`,
    {
      place: range === undefined ? { file, ranges: [] } : place(range[0], range[1]),
      hint: 'Every setting is described in docs/slipway-yaml.md.',
    },
  );
}

/** The node of a key itself, not of its value. */
function keyNode(document: Document, path: readonly PropertyKey[]): unknown {
  const map = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(map)) return undefined;
  return map.items.map(({ key }) => key).find((key) => isScalar(key) && key.value === path.at(-1));
}

function isRanged(node: unknown): node is { range: [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}
