import type { Problem } from '../../lib/problem.ts';
import { placeLabel, Problem as UserProblem } from '../../lib/problem.ts';
import { parseConfigFile } from '../request/config-file.ts';
import type { BuildRequest } from '../request/request.ts';
import type { BuildTrigger } from './trigger.ts';

/** Looked for in this order where the trigger names no file. */
const USUAL_FILES = ['cloudbuild.yaml', 'cloudbuild.yml', 'cloudbuild.json', 'Dockerfile'] as const;

/** The files of a commit that may say what is built; none when the trigger says it itself. */
export function configPaths({ build, filename, gitFileSource, autodetect }: BuildTrigger): readonly string[] {
  if (build !== undefined) return [];
  const path = gitFileSource?.path ?? filename;
  return path === undefined || autodetect ? USUAL_FILES : [path.replace(/^(?:\.?\/)+/, '')];
}

export interface FoundConfig {
  path: string;
  request: BuildRequest;
}

/**
 * What is built, from the files of the commit.
 * @param image name of what a Dockerfile alone makes
 * @throws Problem `not-found`, `invalid` with file, line and column
 */
export function configOf(paths: readonly string[], files: readonly (string | undefined)[], image: string): FoundConfig {
  const found = paths.findIndex((_, i) => files[i] !== undefined);
  const path = paths[found];
  const text = files[found];
  if (path === undefined || text === undefined)
    throw new UserProblem(
      'not-found',
      `the commit has no ${paths.length === 1 ? paths[0] : `${paths.slice(0, -1).join(', ')} or ${paths.at(-1)}`}`,
      {
        hint: 'The config is read at the commit that is built: is the file there, in this branch?',
      },
    );
  if (path === 'Dockerfile') return { path, request: ofDockerfile(image) };
  try {
    return { path, request: parseConfigFile(text, path).request };
  } catch (error) {
    throw error instanceof UserProblem ? placed(error) : error;
  }
}

/** Whoever reads of it has no terminal in front of them: the place goes into the text. */
function placed(problem: Problem): Problem {
  const { code, message, place, hint } = problem;
  const where = place?.ranges[0] === undefined ? '' : `${placeLabel(place)}: `;
  return new UserProblem(code, where + message.replace(`${place?.file}: `, ''), { place, hint, cause: problem });
}

function ofDockerfile(image: string): BuildRequest {
  return {
    steps: [{ name: 'gcr.io/cloud-builders/docker', args: ['build', '-t', image, '.'] }],
    images: [image],
  };
}
