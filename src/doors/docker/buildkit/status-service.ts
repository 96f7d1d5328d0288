import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import type { BuildJob } from './build-job.ts';
import { StatusResponseSchema } from './gen/trace_pb.ts';

/** `Control.Status`: the progress of a build, from its beginning to its end. */
export async function* statuses(
  { feed }: Pick<BuildJob, 'feed'>,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof StatusResponseSchema>, void, undefined> {
  for await (const message of feed.listen(signal)) yield fromBinary(StatusResponseSchema, message);
}
