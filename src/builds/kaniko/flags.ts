import type { FlagSpec } from '../docker/flags.ts';

const of = (takes: FlagSpec['takes'], names: string): FlagSpec[] => names.split(/\s+/).map((name) => ({ name, takes }));

/** What decides the image or where it goes. */
const SERVED: readonly FlagSpec[] = [
  { name: 'dockerfile', short: 'f', takes: 'value' },
  { name: 'context', short: 'c', takes: 'value' },
  { name: 'bucket', short: 'b', takes: 'value' },
  { name: 'destination', short: 'd', takes: 'list' },
  ...of('value', 'context-sub-path target custom-platform customPlatform tar-path tarPath oci-layout-path'),
  ...of('value', 'digest-file image-name-with-digest-file image-name-tag-with-digest-file git cache-ttl'),
  ...of('list', 'build-arg label secret'),
  ...of('switch', 'cache no-push reproducible'),
];

/** How kaniko itself takes snapshots, keeps layers and speaks to registries, which this server does in its own way. */
const WITHOUT_EFFECT: readonly FlagSpec[] = [
  { name: 'verbosity', short: 'v', takes: 'value' },
  ...of(
    'value',
    'log-format snapshot-mode snapshotMode push-retry image-fs-extract-retry image-download-retry kaniko-dir',
  ),
  ...of('value', 'cache-repo cache-dir compression compression-level'),
  ...of('list', 'ignore-path registry-mirror registry-map registry-certificate registry-client-cert'),
  ...of('list', 'insecure-registry skip-tls-verify-registry credential-helpers'),
  ...of(
    'switch',
    'log-timestamp force single-snapshot no-push-cache compressed-caching cleanup skip-unused-stages use-new-run',
  ),
  ...of('switch', 'cache-copy-layers cache-run-layers ignore-var-run whitelist-var-run skip-push-permission-check'),
  ...of('switch', 'force-build-metadata push-ignore-immutable-tag-errors skip-default-registry-fallback'),
  ...of('switch', 'insecure insecure-pull skip-tls-verify skip-tls-verify-pull'),
];

/** The flags of kaniko's executor 1.24, with those of its successors that decide the image. */
export const KANIKO_FLAGS: readonly FlagSpec[] = [...SERVED, ...WITHOUT_EFFECT];
