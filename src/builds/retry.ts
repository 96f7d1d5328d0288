import { type Build, locationOf } from './build.ts';
import type { BuildRecord } from './records.ts';
import { type SubmitDeps, submitBuild } from './submit.ts';

/**
 * The same again as a new build: from the request as it came, with what its trigger gave it. A build that had to be approved has
 * to be approved again.
 * @throws Problem `invalid`, `unsupported`
 */
export async function retryBuild(
  { build, request, trigger }: BuildRecord,
  actor: string,
  deps: SubmitDeps,
): Promise<Build> {
  const origin = trigger && { ...trigger, approvalRequired: build.approval !== undefined };
  const { projectId: project } = build;
  const again = await submitBuild({ request, project, location: locationOf(build), actor, trigger: origin }, deps);
  await deps.retried?.(build.id, again.id);
  return again;
}
