import { Problem } from '../../lib/problem.ts';

/** A worker pool's resource name taken apart. */
export interface PoolName {
  /** Id, or number, as it was written. */
  project: string;
  location: string;
  id: string;
}

/** `projects/P/locations/L/workerPools/ID`. @throws Problem `invalid` */
export function parsePoolName(text: string): PoolName {
  const [, project, location, id] = /^projects\/([^/]+)\/locations\/([^/]+)\/workerPools\/([^/]+)$/.exec(text) ?? [];
  if (project === undefined || location === undefined || id === undefined)
    throw new Problem('invalid', `invalid worker pool name ${JSON.stringify(text)}`, {
      hint: 'Write projects/PROJECT/locations/REGION/workerPools/NAME.',
    });
  return { project, location, id };
}

export function formatPoolName({ project, location, id }: PoolName): string {
  return `projects/${project}/locations/${location}/workerPools/${id}`;
}
