import { withoutLastLines } from '../../../engine/last-lines.ts';
import { Problem, type ProblemCode } from '../../../lib/problem.ts';
import { type GrpcCode, type GrpcDetail, GrpcError } from '../../grpc/grpc-error.ts';
import { DockerError } from '../errors.ts';
import { sourceOf } from './error-source.ts';

/** Clients print every other code than `unknown` in front of the text, so only those stand here by which they decide something. */
const CODES: Partial<Record<ProblemCode, GrpcCode>> = {
  cancelled: 'cancelled',
  unsupported: 'unimplemented',
};

/** The type of the detail by which clients show the lines that are meant; Go's JSON of it follows. */
const SOURCE = 'github.com/moby/buildkit/errdefs.Source+json';

/** A failure as clients of BuildKit are told it. They have seen the output, and show the lines of the Dockerfile themselves. */
export function describeError(error: unknown): GrpcError | undefined {
  if (error instanceof DockerError) return new GrpcError('unknown', error.message);
  const shown = withoutLastLines(error);
  if (!(shown instanceof Problem)) return undefined;
  const { code, message, hint } = shown;
  const text = hint === undefined ? message : `${message}\n${hint}`;
  return new GrpcError(CODES[code] ?? 'unknown', text, sourceDetail(shown));
}

function sourceDetail({ place }: Problem): GrpcDetail[] {
  const source = place === undefined ? undefined : sourceOf(place);
  if (source === undefined) return [];
  const { info, ranges } = source;
  const json = { info: { ...info, data: Buffer.from(info.data).toString('base64') }, ranges };
  return [{ typeUrl: SOURCE, value: Buffer.from(JSON.stringify(json)) }];
}
