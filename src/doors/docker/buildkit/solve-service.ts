import type { MessageInitShape } from '@bufbuild/protobuf';
import type { BuiltImage } from '../../../engine/engine.ts';
import type { BuildEvent } from '../../../engine/events.ts';
import { Progress } from '../../../engine/progress.ts';
import { pushShown } from '../../../engine/transfer/push-shown.ts';
import { GrpcError } from '../../grpc/grpc-error.ts';
import { withSessionOutputs } from '../build/session-outputs.ts';
import { tellTags } from '../build/tell-tags.ts';
import type { DockerCall } from '../call.ts';
import { checkEntitlements } from '../policy.ts';
import { sessionsOf } from '../session/sessions.ts';
import type { BuildJob, FrontendResult } from './build-job.ts';
import { deferred } from './deferred.ts';
import { exportersOf } from './exporters.ts';
import { frontendBuild } from './frontend-build.ts';
import { cacheExport, cacheImport, entitlement } from './frontend-options.ts';
import type { SolveRequest, SolveResponseSchema } from './gen/control_pb.ts';
import { requireDockerfile, standsForResult } from './only-dockerfiles.ts';
import { Trace } from './trace.ts';

type SolveResponse = MessageInitShape<typeof SolveResponseSchema>;

/**
 * `Control.Solve`: a whole build. Its client is the frontend's side itself, and says by LLBBridge what is to be built; or it
 * names the frontend here. The call ends with the build.
 * @throws GrpcError, Problem
 */
export async function solve(
  request: SolveRequest,
  job: BuildJob,
  call: DockerCall,
  signal: AbortSignal,
): Promise<SolveResponse> {
  job.begin(request.session);
  const trace = new Trace(job.feed.tell, () => call.house.clock.now());
  try {
    const result = await wanted(request, job, signal);
    return result === undefined ? {} : await build(request, result, trace, call, signal);
  } finally {
    trace.finish();
    job.end();
  }
}

/** @returns undefined when the client only looked around */
async function wanted(request: SolveRequest, job: BuildJob, signal: AbortSignal): Promise<FrontendResult | undefined> {
  if (standsForResult(request.definition)) return undefined;
  if (request.frontend !== '') {
    requireDockerfile(request.frontend, request.frontendAttrs);
    return { attributes: request.frontendAttrs, inputs: {}, image: deferred(), toBuild: true };
  }
  const returned = await job.returned(signal);
  if ('error' in returned) throw returned.error;
  if (returned.result === undefined) return undefined;
  const result = job.results.get(returned.result);
  if (result === undefined) throw new GrpcError('not-found', 'the build returned a result that it was not given');
  return result.toBuild ? result : undefined;
}

async function build(
  request: SolveRequest,
  result: FrontendResult,
  trace: Trace,
  call: DockerCall,
  signal: AbortSignal,
): Promise<SolveResponse> {
  const { house } = call;
  const allow = request.entitlements.map(entitlement);
  checkEntitlements(house.client, allow);
  const { all, tags, pushed } = exportersOf(request);
  const session = await sessionsOf(house).get(request.session, signal);
  const progress = new Progress(trace.listen);
  const built = await withSessionOutputs(all, session, house.folder, signal, ({ outputs }) =>
    frontendBuild(call, result, {
      session: request.session,
      tags,
      outputs,
      cacheFrom: (request.cache?.imports ?? []).map(cacheImport),
      cacheTo: (request.cache?.exports ?? []).map(cacheExport),
      allow,
      onEvent: (event: BuildEvent) => progress.relay(event),
      signal,
    }),
  );
  if (built === undefined) return {};
  result.image.resolve(built);
  tellTags([built], call);
  const caller = { ...call.caller, signal, credentials: session.credentials };
  for (const name of pushed) await pushShown(house.engine, name, caller, progress);
  return { exporterResponse: responseOf(built, tags) };
}

function responseOf({ image }: BuiltImage, tags: readonly string[]): Record<string, string> {
  const { mediaType, digest, size } = image.target;
  return {
    'containerimage.digest': digest,
    'containerimage.config.digest': image.id,
    'containerimage.descriptor': Buffer.from(JSON.stringify({ mediaType, digest, size })).toString('base64'),
    ...(tags.length === 0 ? {} : { 'image.name': tags.join(',') }),
  };
}
