import { z } from 'zod';

/**
 * What a client may ask for: the Build message of the API without its output fields, strict, so that a misspelt field
 * is a complaint and no silence. The same schema reads cloudbuild.yaml (config-file.ts) and the API's JSON
 * (read-request.ts). Fields that the hosted service has learnt since gcloud 528 are known too.
 */
const text = z.string();
/** Protobuf's 64-bit numbers are strings in JSON, and numbers are accepted. */
const int64 = z.union([z.string().regex(/^-?\d+$/, 'expected a whole number'), z.int().transform(String)]);
/** Clients write a single value for a repeated field (`waitFor: "-"`); gcloud takes it, so do we. */
const repeated = <T extends z.ZodType>(item: T) =>
  z.preprocess((value) => (value === undefined || Array.isArray(value) ? value : [value]), z.array(item).optional());
/** YAML 1.1, which gcloud and the hosted service read, has more words for true and false than YAML 1.2. */
const WORDS = new Map<unknown, boolean>([
  ...['true', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', 'no', 'off'].map((word) => [word, false] as const),
]);
const flag = z
  .preprocess((value) => (typeof value === 'string' ? (WORDS.get(value.toLowerCase()) ?? value) : value), z.boolean())
  .optional();
const textMap = z.record(z.string(), z.string());

const volume = z.strictObject({ name: text, path: text });

const step = z.strictObject({
  name: text.optional(),
  id: text.optional(),
  args: repeated(text),
  entrypoint: text.optional(),
  script: text.optional(),
  env: repeated(text),
  secretEnv: repeated(text),
  dir: text.optional(),
  waitFor: repeated(text),
  timeout: text.optional(),
  volumes: repeated(volume),
  allowFailure: flag,
  allowExitCodes: repeated(z.int()),
  automapSubstitutions: flag,
  results: repeated(
    z.strictObject({
      name: text.optional(),
      attestationContent: text.optional(),
      attestationContentName: text.optional(),
      attestationType: text.optional(),
    }),
  ),
});

/** Known to gcloud 528 are N1_HIGHCPU_8 and _32, E2_HIGHCPU_8 and _32, E2_MEDIUM; the hosted service adds sizes all along. */
const MACHINE_TYPE = /^(?:UNSPECIFIED|[A-Z]\d[A-Z]?_(?:MICRO|SMALL|MEDIUM|(?:STANDARD|HIGHCPU|HIGHMEM)_\d{1,3}))$/;
const LOGGING = [
  'LOGGING_UNSPECIFIED',
  'LEGACY',
  'GCS_ONLY',
  'STACKDRIVER_ONLY',
  'CLOUD_LOGGING_ONLY',
  'NONE',
] as const;

const pool = z.strictObject({
  name: text.optional(),
  workerConfig: z
    .strictObject({ diskSizeGb: int64.optional(), memoryGb: z.number().optional(), vcpuCount: z.number().optional() })
    .optional(),
});

const options = z.strictObject({
  machineType: z
    .string()
    .regex(MACHINE_TYPE, 'no machine type; write it as E2_HIGHCPU_8, N1_HIGHCPU_32 or E2_MEDIUM')
    .optional(),
  diskSizeGb: int64.optional(),
  substitutionOption: z.enum(['MUST_MATCH', 'ALLOW_LOOSE']).optional(),
  dynamicSubstitutions: flag,
  automapSubstitutions: flag,
  env: repeated(text),
  secretEnv: repeated(text),
  volumes: repeated(volume),
  logging: z.enum(LOGGING).optional(),
  logStreamingOption: z.enum(['STREAM_DEFAULT', 'STREAM_ON', 'STREAM_OFF']).optional(),
  defaultLogsBucketBehavior: z
    .enum(['DEFAULT_LOGS_BUCKET_BEHAVIOR_UNSPECIFIED', 'REGIONAL_USER_OWNED_BUCKET', 'LEGACY_BUCKET'])
    .optional(),
  pool: pool.optional(),
  workerPool: text.optional(),
  requestedVerifyOption: z.enum(['NOT_VERIFIED', 'VERIFIED']).optional(),
  sourceProvenanceHash: repeated(z.enum(['NONE', 'SHA256', 'MD5', 'GO_MODULE_H1', 'SHA512'])),
  pubsubTopic: text.optional(),
  dockerDaemon: z.enum(['DOCKER_DAEMON_UNSPECIFIED', 'NO_DOCKER', 'NON_PRIVILEGED', 'PRIVILEGED']).optional(),
  enableStructuredLogging: flag,
  cluster: z.strictObject({ name: text.optional() }).optional(),
  anthosCluster: z.strictObject({ membership: text.optional() }).optional(),
});

const storageSource = z.strictObject({
  bucket: text,
  object: text,
  generation: int64.optional(),
  sourceFetcher: z.enum(['SOURCE_FETCHER_UNSPECIFIED', 'GSUTIL', 'GCS_FETCHER']).optional(),
});

const repoSource = z.strictObject({
  projectId: text.optional(),
  repoName: text.optional(),
  branchName: text.optional(),
  tagName: text.optional(),
  commitSha: text.optional(),
  dir: text.optional(),
  invertRegex: flag,
  substitutions: textMap.optional(),
});

const source = z.strictObject({
  storageSource: storageSource.optional(),
  storageSourceManifest: z.strictObject({ bucket: text, object: text, generation: int64.optional() }).optional(),
  repoSource: repoSource.optional(),
  gitSource: z.strictObject({ url: text, revision: text.optional(), dir: text.optional() }).optional(),
  connectedRepository: z.strictObject({ repository: text, revision: text.optional(), dir: text.optional() }).optional(),
  developerConnectConfig: z
    .strictObject({ gitRepositoryLink: text, revision: text.optional(), dir: text.optional() })
    .optional(),
});

const artifacts = z.strictObject({
  images: repeated(text),
  objects: z.strictObject({ location: text.optional(), paths: repeated(text) }).optional(),
  mavenArtifacts: repeated(
    z.strictObject({
      repository: text.optional(),
      path: text.optional(),
      deployFolder: text.optional(),
      artifactId: text.optional(),
      groupId: text.optional(),
      version: text.optional(),
    }),
  ),
  pythonPackages: repeated(z.strictObject({ repository: text.optional(), paths: repeated(text) })),
  npmPackages: repeated(z.strictObject({ repository: text.optional(), packagePath: text.optional() })),
  goModules: repeated(
    z.strictObject({
      repositoryName: text.optional(),
      repositoryLocation: text.optional(),
      repositoryProjectId: text.optional(),
      sourcePath: text.optional(),
      modulePath: text.optional(),
      moduleVersion: text.optional(),
    }),
  ),
  genericArtifacts: repeated(z.strictObject({ folder: text.optional(), registryPath: text.optional() })),
  oci: repeated(z.strictObject({ file: text.optional(), registryPath: text.optional(), tags: repeated(text) })),
});

const gitDependency = z.strictObject({
  repository: z.strictObject({ url: text.optional(), developerConnect: text.optional() }).optional(),
  revision: text.optional(),
  destPath: text.optional(),
  depth: int64.optional(),
  recurseSubmodules: flag,
});

export const buildRequestSchema = z.strictObject({
  steps: repeated(step),
  images: repeated(text),
  artifacts: artifacts.optional(),
  timeout: text.optional(),
  queueTtl: text.optional(),
  substitutions: textMap.optional(),
  options: options.optional(),
  availableSecrets: z
    .strictObject({
      secretManager: repeated(z.strictObject({ versionName: text, env: text })),
      inline: repeated(z.strictObject({ kmsKeyName: text.optional(), envMap: textMap.optional() })),
    })
    .optional(),
  secrets: repeated(z.strictObject({ kmsKeyName: text.optional(), secretEnv: textMap.optional() })),
  logsBucket: text.optional(),
  serviceAccount: text.optional(),
  tags: repeated(text),
  source: source.optional(),
  dependencies: repeated(z.strictObject({ empty: flag, gitSource: gitDependency.optional() })),
  gitConfig: z
    .strictObject({
      http: z
        .strictObject({
          proxySecretVersionName: text.optional(),
          proxySslCaInfo: z
            .strictObject({ bucket: text.optional(), object: text.optional(), generation: int64.optional() })
            .optional(),
        })
        .optional(),
    })
    .optional(),
});

export type BuildRequest = z.output<typeof buildRequestSchema>;
export type BuildStepRequest = z.output<typeof step>;
export type BuildOptions = z.output<typeof options>;
export type StorageSource = z.output<typeof storageSource>;
