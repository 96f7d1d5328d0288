import type { Duplex } from 'node:stream';
import { GrpcServices } from '../grpc/grpc-services.ts';
import { serveGrpc } from '../grpc/serve-grpc.ts';
import type { NodeHandler } from '../http/door.ts';
import { googleServer } from '../http/google-server.ts';
import type { LoggingDeps } from './build-logs.ts';
import { grpcErrorOf, sendError } from './errors.ts';
import { LoggingServiceV2 } from './gen/tail_pb.ts';
import { listEntriesRoute } from './list-entries.ts';
import { tailEntries } from './tail-entries.ts';

/** Cloud Logging's API over the build logs. */
export interface LoggingDoor {
  /** JSON: `/v2/entries:list`. */
  handler: NodeHandler;
  /** gRPC, at our end of a connection; it is closed when this resolves. */
  grpc(socket: Duplex, signal?: AbortSignal): Promise<void>;
}

export async function loggingDoor(deps: LoggingDeps): Promise<LoggingDoor> {
  const server = await googleServer(async (door) => listEntriesRoute(door, deps), sendError);
  const services = new GrpcServices().stream(LoggingServiceV2.method.tailLogEntries, (requests, call) =>
    tailEntries(requests, call, deps),
  );
  return {
    handler: (request, response) => server.routing(request, response),
    grpc: (socket, signal) => serveGrpc(socket, services, { describe: grpcErrorOf, signal }),
  };
}

/** Whether a request is for this door: by the name that gcloud has hard-coded, or by its path. */
export function servesLogging(host: string | undefined, path: string): boolean {
  return host?.replace(/:\d+$/, '') === 'logging.googleapis.com' || path.startsWith('/v2/entries:');
}
