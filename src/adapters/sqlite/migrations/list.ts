import { content } from './0001-content.ts';
import { registry } from './0002-registry.ts';
import { tokens } from './0003-tokens.ts';
import { names } from './0004-names.ts';
import { cache } from './0005-cache.ts';
import { builds } from './0006-builds.ts';
import { buckets } from './0007-buckets.ts';
import { cacheInputs } from './0008-cache-inputs.ts';
import { possession } from './0009-possession.ts';
import { possessionOfLayers } from './0010-possession-of-layers.ts';
import { repositories } from './0011-repositories.ts';
import { registryHistory } from './0012-registry-history.ts';
import { upstream } from './0013-upstream.ts';
import { eventCursors } from './0015-event-cursors.ts';
import { heldImages } from './0016-held-images.ts';
import { secrets } from './0017-secrets.ts';
import { triggers } from './0018-triggers.ts';
import { buildQueue } from './0019-build-queue.ts';
import { buildLists } from './0020-build-lists.ts';
import { sources } from './0021-sources.ts';
import type { Migration } from './migration.ts';

/** Every step of the schema in order. A step that has shipped never changes; a correction is a new step. */
export const MIGRATIONS: readonly Migration[] = [
  content,
  registry,
  tokens,
  names,
  cache,
  builds,
  buckets,
  cacheInputs,
  possession,
  possessionOfLayers,
  repositories,
  registryHistory,
  upstream,
  eventCursors,
  heldImages,
  secrets,
  triggers,
  buildQueue,
  buildLists,
  sources,
];
