import type { MessageInitShape } from '@bufbuild/protobuf';
import { hostPlatform } from '../../../images/platform.ts';
import type { WorkerRecordSchema } from './gen/worker_pb.ts';

/**
 * What clients learn of the one worker that there is. A worker whose label names a snapshotter keeps images by their
 * manifests, as Slipway does: only then does buildx offer the outputs `oci` and `docker`, and to export a cache.
 */
export function workerRecord(version: string): MessageInitShape<typeof WorkerRecordSchema> {
  const { os, architecture, variant = '' } = hostPlatform();
  return {
    id: 'slipway',
    labels: {
      'org.mobyproject.buildkit.worker.executor': 'runc',
      'org.mobyproject.buildkit.worker.snapshotter': 'overlayfs',
    },
    platforms: [{ os, architecture, variant }],
    buildkitVersion: builderVersion(version),
  };
}

export function builderVersion(version: string): { package: string; version: string } {
  return { package: 'slipway', version };
}

/** What the frontend's side may ask for. Clients leave out what isn't listed. */
export const FRONTEND_CAPS = [
  'frontend.caps',
  'frontend.inputs',
  'gateway.evaluate',
  'gateway.solve.evaluate',
  'gateway.solve.metadata',
  'importcaches',
  'proto.refarray',
  'reference.output',
  'resolveimage.resolvemode',
  'return',
  'returnmap',
  'solve.base',
  'solve.inlinereturn',
];

/** Of the low-level language what clients look at before they send options of `docker build`; graphs themselves are refused. */
export const LLB_CAPS = [
  'constraints',
  'exec.meta.base',
  'exec.meta.network',
  'exec.meta.ulimit',
  'exec.mount.bind',
  'exec.mount.cache',
  'exec.mount.secret',
  'exec.mount.ssh',
  'exec.mount.tmpfs',
  'exporter.image.attestations',
  'file.base',
  'meta.description',
  'meta.ignorecache',
  'platform',
  'source.git',
  'source.http',
  'source.image',
  'source.image.resolvemode',
  'source.local',
  'source.local.excludepatterns',
  'source.local.followpaths',
  'source.local.includepatterns',
  'source.local.sessionid',
  'source.local.sharedkeyhint',
];
