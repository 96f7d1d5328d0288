import { GrpcServices } from '../../grpc/grpc-services.ts';
import { serveGrpc } from '../../grpc/serve-grpc.ts';
import type { Router } from '../../http/router.ts';
import type { DockerCall, DockerHandler } from '../call.ts';
import { DockerError } from '../errors.ts';
import { jobOf, note, pong, returnedBy } from './bridge-service.ts';
import { buildJobsOf } from './build-jobs.ts';
import { describeError } from './describe-error.ts';
import { Control } from './gen/control_pb.ts';
import { LLBBridge } from './gen/gateway_pb.ts';
import { solve } from './solve-service.ts';
import { statuses } from './status-service.ts';
import { diskUsage, prune } from './usage-service.ts';
import { builderVersion, workerRecord } from './worker-record.ts';

/** `POST /grpc`: BuildKit's own services, which buildx calls. */
export function buildkitRoutes(router: Router<DockerHandler>): void {
  router.on('POST', '/grpc', openGrpc);
}

async function openGrpc(call: DockerCall): Promise<void> {
  if ((call.request.headers.upgrade ?? '').toLowerCase() !== 'h2c')
    throw new DockerError(400, 'protocol h2c is expected: no upgrade');
  await serveGrpc(call.hijack({ upgrade: 'h2c' }), services(call), { describe: describeError, signal: call.signal });
}

function services(call: DockerCall): GrpcServices {
  const { house } = call;
  const jobs = buildJobsOf(house);
  return (
    new GrpcServices()
      .unary(Control.method.info, async () => ({ buildkitVersion: builderVersion(house.version) }))
      .unary(Control.method.listWorkers, async () => ({ record: [workerRecord(house.version)] }))
      .unary(Control.method.diskUsage, () => diskUsage(house))
      .serverStream(Control.method.prune, (request) => prune(request, house))
      .unary(Control.method.solve, (request, { signal }) => solve(request, jobs.of(request.ref), call, signal))
      .serverStream(Control.method.status, ({ ref }, { signal }) => statuses(jobs.of(ref), signal))
      .unary(LLBBridge.method.ping, async () => pong(house))
      .unary(LLBBridge.method.solve, (request, asked) => note(request, jobOf(house, asked), call, asked.signal))
      // whatever is wanted early is built when it is returned: what needs it waits until then
      .unary(LLBBridge.method.evaluate, async () => ({}))
      .unary(LLBBridge.method.return, async (request, asked) => {
        jobOf(house, asked).return(returnedBy(request));
        return {};
      })
  );
}
