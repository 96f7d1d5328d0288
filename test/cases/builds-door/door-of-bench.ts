import type { FastifyInstance } from 'fastify';
import type { Identity } from '../../../src/auth/identity.ts';
import type { CloudBuildDeps } from '../../../src/doors/cloudbuild/call.ts';
import { cloudbuildServer } from '../../../src/doors/cloudbuild/server.ts';
import type { openBench } from '../build-log/build-bench.ts';

/**
 * The door over a bench's builds, none of which any worker has in hand.
 * @param identities by the token that stands for each
 * @param parts in place of, or beside, those of the bench
 */
export async function doorOfBench(
  bench: Awaited<ReturnType<typeof openBench>>,
  identities: Readonly<Record<string, Identity>>,
  parts: Partial<CloudBuildDeps> = {},
): Promise<FastifyInstance> {
  const { records, queue, logs, deps, submitDeps: submit, workerPools: pools } = bench;
  return await cloudbuildServer({
    authenticator: { verify: async (secret) => identities[secret] },
    requireToken: true,
    records,
    submit,
    cancel: { records, queue, logs, clock: deps.clock, stop: () => false },
    pools,
    ...parts,
  });
}
