import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { DiskUploads } from '../adapters/disk/disk-uploads.ts';
import { logBucketName } from '../adapters/disk/log-bucket-name.ts';
import { BuildPools } from '../builds/pools/build-pools.ts';
import { WorkerPools } from '../builds/pools/worker-pools.ts';
import type { CancelDeps } from '../builds/queue/cancel-build.ts';
import { logPlaceOf } from '../builds/run/log-place.ts';
import type { SubmitDeps } from '../builds/submit.ts';
import { artifactsHandler } from '../doors/artifacts/server.ts';
import { projectId } from '../doors/cloudbuild/access.ts';
import { cloudbuildHandler } from '../doors/cloudbuild/server.ts';
import { LogLinks } from '../doors/console/log-links.ts';
import { logPageHandler } from '../doors/console/log-page.ts';
import type { DoorContext, NodeHandler } from '../doors/http/door.ts';
import { loggingDoor } from '../doors/logging/server.ts';
import { oauthDoor } from '../doors/oauth/routes.ts';
import { registryDoor } from '../doors/registry/door.ts';
import { secretManagerHandler } from '../doors/secretmanager/server.ts';
import { storageDoor } from '../doors/storage/door.ts';
import { systemClock } from '../lib/clock.ts';
import type { Metrics } from '../lib/metrics.ts';
import { ResumableUploads } from '../stores/buckets/resumable-uploads.ts';
import { withLogBucket } from '../stores/buckets/with-log-bucket.ts';
import { withRunningLogs } from '../stores/buckets/with-running-logs.ts';
import type { OwnNames } from '../stores/registry/name.ts';
import { SourceStore } from '../stores/sources/source-store.ts';
import { MirrorNames } from '../stores/upstream/mirror-names.ts';
import { dispatchRequest } from './dispatch-request.ts';
import type { Owner } from './owner.ts';
import { RegistrySettings } from './registries.ts';
import { openTriggers } from './triggers.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface HttpDoorParts {
  owner: Owner;
  metrics: Metrics;
  names: OwnNames;
  publicUrl: string;
  /** Something was enqueued. */
  enqueued(): void;
  /** Asks the worker that has the build to stop it; false when none does. */
  stop(build: string): boolean;
  /** Where git runs for triggers. */
  pool: Pick<WorkerPool, 'resident'>;
}

export interface HttpDoors {
  handler: NodeHandler;
  /** What speaks gRPC: the logging door, so far. Resolves when the connection is closed. */
  grpc(socket: Duplex): Promise<void>;
  /** Ends what triggers have at work; it is begun again at the next start. */
  closeTriggers(): Promise<void>;
  /** Ends upload sessions that nobody went on with. */
  expireUploads(): Promise<void>;
}

/** All doors of the one port, behind one function. */
export async function openHttpDoors(parts: HttpDoorParts): Promise<HttpDoors> {
  const { owner, names } = parts;
  const { stores, folder } = owner;
  const context: DoorContext = { authenticator: owner.tokens, requireToken: owner.config.auth === 'token' };
  const registries = new RegistrySettings(folder.config);
  parts.metrics.showQuotas(() => stores.upstream.quotas());
  const logBucket = await logBucketName(folder.root);
  const logPlace = async (build: string) => {
    const record = await stores.builds.get(build);
    return record === undefined ? undefined : logPlaceOf(record.build);
  };
  const buckets = withRunningLogs(
    withLogBucket(stores.objects, stores.logs, logBucket),
    stores.logs,
    logBucket,
    logPlace,
  );
  const links = new LogLinks(parts.publicUrl, await readFile(join(folder.root, 'signing-key')));
  const submit: SubmitDeps = {
    records: stores.builds,
    queue: owner.queue,
    pools: new BuildPools(stores.workerPools, owner.config.builds.pools),
    clock: systemClock,
    logsBucket: () => `gs://${logBucket}`,
    logUrl: (id) => links.url(id),
    enqueued: parts.enqueued,
    retried: (from, to) => triggering.retried(from, to),
  };
  const pools = new WorkerPools(stores.workerPools, systemClock);
  const cancel: CancelDeps = {
    records: stores.builds,
    queue: owner.queue,
    logs: stores.logs,
    clock: systemClock,
    stop: parts.stop,
  };
  const triggering = await openTriggers({
    owner,
    submit,
    pool: parts.pool,
    publicUrl: parts.publicUrl,
    defaultLocation: () => names.defaultLocation,
  });
  const pushes = new DiskUploads({ folder: folder.uploads, content: stores.content });
  const resumable = new ResumableUploads(join(folder.content, 'bucket-uploads'), buckets);
  const logging = await loggingDoor({ ...context, records: stores.builds, logs: stores.logs });
  const handler = dispatchRequest(
    {
      registry: registryDoor({
        store: stores.registry,
        pulls: owner.pulls,
        mirrors: new MirrorNames(stores.repositories, () => registries.current),
        content: stores.content,
        uploads: pushes,
        tokens: owner.tokens,
        context,
        names,
        link: owner.config.content.redirect ? owner.place.link?.bind(owner.place) : undefined,
        isPublic: async (name) => (await stores.repositories.get(name))?.anonymousPull === true,
      }),
      storage: storageDoor({
        buckets,
        uploads: resumable,
        sources: new SourceStore(stores.sources, stores.content),
        logs: { bucket: logBucket, projectOf: async (id) => (await stores.builds.get(id))?.build.projectId },
        context,
      }),
      oauth: oauthDoor(owner.accounts),
      logging: logging.handler,
      artifacts: await artifactsHandler({
        ...context,
        repositories: stores.repositories,
        registry: stores.registry,
        content: stores.content,
        defaultLocation: () => names.defaultLocation,
        sharedProjects: () => registries.current.sharedProjects,
      }),
      secrets: await secretManagerHandler({
        ...context,
        secrets: owner.secrets,
        projectId: (text) => projectId(text, stores.builds),
      }),
      console: logPageHandler({ ...context, records: stores.builds, logs: stores.logs, links }),
      cloudbuild: await cloudbuildHandler({ ...context, records: stores.builds, submit, cancel, pools, triggering }),
    },
    parts.metrics,
  );
  return {
    handler,
    closeTriggers: () => triggering.close(),
    grpc: (socket) => logging.grpc(socket),
    async expireUploads() {
      await pushes.expire();
      await resumable.sweep();
    },
  };
}
