import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { codeOfNumber, GrpcError } from '../../grpc/grpc-error.ts';
import type { GrpcCall } from '../../grpc/grpc-services.ts';
import type { DockerCall, DockerHouse } from '../call.ts';
import type { BuildJob, Returned } from './build-job.ts';
import { buildJobsOf } from './build-jobs.ts';
import { deferred } from './deferred.ts';
import { frontendCall } from './frontend-call.ts';
import type { PongResponseSchema, ReturnRequest, SolveRequest, SolveResponseSchema } from './gen/gateway_pb.ts';
import { requireDockerfile, standsForResult } from './only-dockerfiles.ts';
import { definitionOf, resultOf } from './result-definition.ts';
import { FRONTEND_CAPS, LLB_CAPS, workerRecord } from './worker-record.ts';

/** Calls of the frontend's side say by this which build they belong to. */
const BUILD_ID = 'buildkit-controlapi-buildid';

export function jobOf(house: DockerHouse, { metadata }: GrpcCall): BuildJob {
  return buildJobsOf(house).of(String(metadata[BUILD_ID] ?? ''));
}

/** `LLBBridge.Ping`: what can be asked for. */
export function pong(house: DockerHouse): MessageInitShape<typeof PongResponseSchema> {
  return {
    frontendApiCaps: FRONTEND_CAPS.map((id) => ({ id, enabled: true })),
    llbCaps: LLB_CAPS.map((id) => ({ id, enabled: true })),
    workers: [workerRecord(house.version)],
  };
}

/**
 * `LLBBridge.Solve`: notes what is wanted, which is built when the client returns it; what is only asked about a Dockerfile
 * is answered at once.
 * @throws GrpcError `unimplemented`, Problem
 */
export async function note(
  request: SolveRequest,
  job: BuildJob,
  call: DockerCall,
  signal: AbortSignal,
): Promise<MessageInitShape<typeof SolveResponseSchema>> {
  const borrowed = standsForResult(request.definition);
  // without a frontend it asks for an empty result
  if (request.frontend === '' && !borrowed) return { result: { result: { case: 'ref', value: {} } } };
  if (!borrowed) requireDockerfile(request.frontend, request.frontendOpt);
  const id = randomUUID();
  const attributes = request.frontendOpt;
  const asks = (attributes['requestid'] ?? '') !== '';
  const metadata = asks ? await frontendCall(call, attributes, await job.session(signal), signal) : {};
  const toBuild = !borrowed && !asks;
  job.results.set(id, { attributes, inputs: inputsOf(request), image: deferred(), toBuild });
  return { result: { result: { case: 'ref', value: { id, def: definitionOf(id) } }, metadata } };
}

function inputsOf({ frontendInputs }: SolveRequest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(frontendInputs).map(([name, { def }]) => {
      const id = resultOf(def);
      if (id === undefined)
        throw new GrpcError(
          'unimplemented',
          `Slipway builds Dockerfiles: the graph for the input ${name} is not run here`,
        );
      return [name, id];
    }),
  );
}

/** `LLBBridge.Return`, as a job has it. */
export function returnedBy({ result, error }: ReturnRequest): Returned {
  if (error !== undefined && error.code !== 0)
    return { error: new GrpcError(codeOfNumber(error.code), error.message, error.details) };
  const { case: kind, value } = result?.result ?? { case: undefined };
  if (kind === 'refs') {
    const [only, ...more] = Object.values(value.refs);
    if (more.length > 0)
      return { error: new GrpcError('unimplemented', 'a build gives one result here, and not one for each platform') };
    return { result: only?.id || undefined };
  }
  return { result: (kind === 'ref' ? value.id : value) || undefined };
}
