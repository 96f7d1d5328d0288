import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { shortDigest } from '../../../images/digest.ts';
import { forgetBuilds } from '../build/prune.ts';
import type { DockerHouse } from '../call.ts';
import type { DiskUsageResponseSchema, PruneRequest, UsageRecordSchema } from './gen/control_pb.ts';

const NS_PER_MS = 1_000_000n;

/** `Control.DiskUsage`: the layers that a build may find again. */
export async function diskUsage(house: DockerHouse): Promise<MessageInitShape<typeof DiskUsageResponseSchema>> {
  const layers = await house.cachedLayers();
  return {
    record: layers.map(({ blob, size, text, createdAt, usedAt }) => ({
      id: shortDigest(blob),
      size: BigInt(size),
      description: text,
      createdAt: timestampFromMs(createdAt),
      lastUsedAt: timestampFromMs(usedAt),
      usageCount: 1n,
      recordType: 'regular',
    })),
  };
}

/** `Control.Prune`, as buildx asks for it: what is gone, in two sums, since layers share bytes. */
export async function* prune(
  { filter, keepDuration, keepBytes }: PruneRequest,
  house: DockerHouse,
): AsyncGenerator<MessageInitShape<typeof UsageRecordSchema>, void, undefined> {
  const moments = keepDuration > 0n ? [house.clock.now() - Number(keepDuration / NS_PER_MS)] : [];
  const { keys, layers, files } = await forgetBuilds(house, { moments, keeps: keepBytes > 0n || filter.length > 0 });
  if (keys.length > 0) yield { id: `${keys.length} steps of builds`, size: BigInt(layers), recordType: 'regular' };
  if (files > 0) yield { id: 'files of clients', size: BigInt(files), recordType: 'source.local' };
}
