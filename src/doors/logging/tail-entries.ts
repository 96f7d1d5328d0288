import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Lines } from '../../lib/lines.ts';
import { GrpcError } from '../grpc/grpc-error.ts';
import type { GrpcCall } from '../grpc/grpc-services.ts';
import { requireIdentity } from '../http/google-access.ts';
import { type BuildLogEntry, type BuildLogSource, entryOf, sourceOf } from './build-log-entry.ts';
import { buildOf, type LoggingDeps } from './build-logs.ts';
import type { TailLogEntriesRequest } from './gen/tail_pb.ts';
import { logBegun } from './log-begun.ts';
import { matchesEntry, parseLogFilter } from './log-filter.ts';

/** Entries in one message: some 400 bytes each beside their text, below the 4 MiB that clients of gRPC take by default. */
const BATCH = 1000;

/**
 * TailLogEntries: the entries of a build's log from its first line on, as they come. The hosted service begins with what comes
 * after the question, and so loses the beginning of every build. The call stays open when the log is closed: clients take an
 * end for a failure, and end it themselves when the build has ended.
 */
export async function* tailEntries(
  requests: AsyncIterable<TailLogEntriesRequest>,
  call: GrpcCall,
  deps: LoggingDeps,
): AsyncGenerator<{ entries: WireTailEntry[] }, void, undefined> {
  // before anything is read: a stranger's messages would be held in memory
  await requireIdentity({ headers: call.metadata }, deps);
  const { filter: text, resourceNames } = await first(requests);
  const filter = parseLogFilter(text);
  const build = await buildOf({ headers: call.metadata }, resourceNames, filter, deps);
  if (build === undefined) throw new GrpcError('not-found', 'Requested entity was not found.');
  const source = sourceOf(build);
  const lines = new Lines();
  const decoder = new TextDecoder();
  let line = 0;
  for await (const chunk of deps.logs.follow(build.id, 0, call.signal)) {
    const begun = await logBegun(build, deps.logs);
    const entries = lines
      .take(decoder.decode(chunk, { stream: true }))
      .map((each) => entryOf(build.id, each, line++, begun))
      .filter((entry) => matchesEntry(entry, filter));
    for (let at = 0; at < entries.length; at += BATCH)
      yield { entries: entries.slice(at, at + BATCH).map((entry) => wireEntry(entry, source)) };
  }
  await ended(call.signal);
}

type WireTailEntry = ReturnType<typeof wireEntry>;

function wireEntry(entry: BuildLogEntry, { logName, resource }: BuildLogSource) {
  const { nanos, seconds } = timestampFromMs(Math.floor(entry.timeMicros / 1000));
  const timestamp = { seconds, nanos: nanos + (entry.timeMicros % 1000) * 1000 };
  return {
    logName,
    resource,
    textPayload: entry.text,
    timestamp,
    receiveTimestamp: timestamp,
    severity: entry.severity,
    insertId: entry.insertId,
    labels: { build_step: entry.step },
  };
}

async function first<T>(requests: AsyncIterable<T>): Promise<T> {
  for await (const request of requests) return request;
  throw new GrpcError('invalid-argument', 'the call has no message');
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
