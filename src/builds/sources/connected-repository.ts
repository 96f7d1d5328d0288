import { Problem } from '../../lib/problem.ts';
import type { BuildRun } from '../run/run-context.ts';
import type { ConnectedRepository } from './source-deps.ts';

/** A repository that the build's project was connected to. @throws Problem `not-found`, `unsupported` */
export async function connectedRepository(run: BuildRun, name: string): Promise<ConnectedRepository> {
  const repositories = run.deps.sources?.repositories;
  if (repositories === undefined)
    throw new Problem('unsupported', `repository ${name} is not connected: this server keeps no connections`, {
      hint: 'Name the repository by its address: source.gitSource.url.',
    });
  const found = await repositories.resolveRepository(run.build.projectId, name);
  if (found !== undefined) return found;
  throw new Problem('not-found', `repository ${name} is not connected to project ${run.build.projectId}`, {
    hint: 'gcloud builds connections list --region=REGION shows the connections of a project, gcloud builds repositories list their repositories.',
  });
}
