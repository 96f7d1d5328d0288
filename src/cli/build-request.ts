import { parseConfigFile } from '../builds/request/config-file.ts';
import type { BuildRequest } from '../builds/request/request.ts';
import { builtInsOf, resolveRequest } from '../builds/submit.ts';
import { readConfigFile, SHOWN_ID } from './commands/render.ts';

/** What `submit` and `run` have in common with `gcloud builds submit`. */
export interface BuildOptions {
  config: string;
  region: string;
  project?: string;
  substitutions: Record<string, string>;
  tag?: string;
}

/**
 * The build that the options ask for, not yet substituted. It is checked all the same: here the file is at hand, and nothing
 * has been done yet.
 * @throws Problem `invalid` with file, line and column
 */
export async function buildRequest(options: BuildOptions, project: string): Promise<BuildRequest> {
  if (options.tag !== undefined) {
    const args = ['build', '--network', 'cloudbuild', '--no-cache', '-t', options.tag, '.'];
    return { steps: [{ name: 'gcr.io/cloud-builders/docker', args }], images: [options.tag] };
  }
  const { request, placeOf } = parseConfigFile(await readConfigFile(options.config), options.config);
  const substitutions = { ...request.substitutions, ...options.substitutions };
  resolveRequest({ ...request, substitutions }, builtInsOf(SHOWN_ID, project, options.region), placeOf);
  return { ...request, substitutions };
}
