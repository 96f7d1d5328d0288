import { Problem } from '../../lib/problem.ts';
import type { ContainerImageConfig } from '../container-images.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerRequest } from '../container-request.ts';

/**
 * What is run and shown when a request and its image are taken together, by docker's rules: a command line of the request
 * takes the place of the image's, an entrypoint of the request takes the image's command away too; variables, labels and
 * ports are added.
 * @throws Problem `invalid` in docker's words
 */
export function completeRequest(
  request: ContainerRequest,
  image: ContainerImageConfig,
): Pick<ContainerRecord, 'request' | 'process'> {
  const cwd = request.cwd || image.cwd || '/';
  if (!cwd.startsWith('/')) {
    throw new Problem('invalid', `the working directory '${cwd}' is invalid, it needs to be an absolute path`);
  }
  const stopSignal = request.stopSignal ?? image.stopSignal;
  return {
    request: {
      ...request,
      labels: { ...image.labels, ...request.labels },
      exposedPorts: [...new Set([...image.exposedPorts, ...request.exposedPorts])].sort(),
      ...(stopSignal === undefined ? {} : { stopSignal }),
    },
    process: {
      args: argsOf(request, image),
      env: envOf(request.env, image.env),
      cwd,
      user: request.user || image.user,
    },
  };
}

function argsOf(request: ContainerRequest, image: ContainerImageConfig): string[] {
  const asked = request.entrypoint ?? [];
  const given = request.command ?? [];
  // `--entrypoint ""` comes as [""]: it names no program, and counts as one when it comes to the image's command
  const command = given.length === 0 && asked.length === 0 ? image.command : given;
  const entrypoint = request.entrypoint === undefined ? image.entrypoint : asked;
  const args = [...(entrypoint.length === 1 && entrypoint[0] === '' ? [] : entrypoint), ...command];
  if (args.length === 0) throw new Problem('invalid', 'No command specified');
  return args;
}

/** Those of the request first, as `inspect` shows them. A name alone takes the image's variable away. */
function envOf(asked: readonly string[], image: readonly string[]): string[] {
  const names = new Set(asked.map(nameOf));
  return [...asked, ...image.filter((pair) => !names.has(nameOf(pair)))].filter((pair) => pair.includes('='));
}

function nameOf(pair: string): string {
  return pair.split('=', 1)[0] ?? '';
}
