import { GrpcError } from '../../grpc/grpc-error.ts';
import type { Definition } from './gen/ops_pb.ts';
import { resultOf } from './result-definition.ts';

const FRONTEND = 'dockerfile.v0';
/** Images of docker's own frontend: what they read is what is read here. */
const DOCKERFILE_IMAGE = /^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@].*)?$/;

/** @throws GrpcError `unimplemented` for a build that isn't of a Dockerfile */
export function requireDockerfile(frontend: string, attributes: Readonly<Record<string, string>>): void {
  const { source = '' } = attributes;
  if (frontend === FRONTEND || (frontend === 'gateway.v0' && DOCKERFILE_IMAGE.test(source))) return;
  const what = frontend === 'gateway.v0' ? `the frontend image ${source}` : `the frontend ${frontend}`;
  throw new GrpcError('unimplemented', `Slipway builds Dockerfiles: ${what} is not run here`);
}

/**
 * @returns whether the graph stands for a result of ours; false for none
 * @throws GrpcError `unimplemented` for a graph of operations that the client has made itself
 */
export function standsForResult(definition: Definition | undefined): boolean {
  if (definition === undefined || definition.def.length === 0) return false;
  if (resultOf(definition.def) !== undefined) return true;
  throw new GrpcError('unimplemented', 'Slipway builds Dockerfiles: graphs of operations (LLB) are not run here');
}
