import { posix } from 'node:path';
import { parseContext, parseNamedContext } from '../../engine/options/context.ts';
import type { ContextSource, ImageBuildRequest, NamedContext } from '../../engine/request.ts';
import { Problem } from '../../lib/problem.ts';
import { missingDockerfile } from '../run/missing-dockerfile.ts';
import type { DockerSession } from './command.ts';

/** Longest Dockerfile read from outside the context. */
const DOCKERFILE_LIMIT = 4 << 20;

/** Where a step's build takes its files from. */
export interface StepContexts {
  context: ContextSource;
  dockerfile: ImageBuildRequest['dockerfile'];
  contexts: Record<string, NamedContext>;
}

/**
 * The context and the named ones of a step, for the time of `use`: addresses as they are; folders are the workspace's, held
 * open so that a parallel step can't put another in their place.
 * @throws Problem
 */
export async function withStepContexts<T>(
  argument: string,
  file: string | undefined,
  named: readonly string[],
  docker: DockerSession,
  use: (contexts: StepContexts) => Promise<T>,
): Promise<T> {
  if (argument === '-')
    throw new Problem('unsupported', 'a build step has no standard input, so the context cannot be -', {
      hint: 'Name a folder of the workspace, for example a dot.',
    });
  if (file === '-') throw new Problem('unsupported', 'a build step has no standard input, so --file cannot be -');
  const contexts = Object.fromEntries(named.map(parseNamedContext));
  const context = parseContext(argument);
  const at = context.kind === 'folder' ? posix.resolve(docker.cwd, argument) : undefined;
  if (at !== undefined) await requireFolder(at, argument, docker);
  const dockerfile = at === undefined ? { path: file ?? 'Dockerfile' } : await findDockerfile(file, at, docker);
  const folders: { path: string }[] = [];
  for (const [name, source] of Object.entries(contexts)) {
    if (source.kind !== 'folder' && source.kind !== 'layout') continue;
    await requireFolder(posix.resolve(docker.cwd, source.path), `${name}=${source.path}`, docker);
    folders.push(source);
  }
  if (context.kind === 'folder') folders.push(context);
  const from = async (n: number): Promise<T> => {
    const folder = folders[n];
    if (folder === undefined) return await use({ context, dockerfile, contexts });
    return await docker.files.pinned(posix.resolve(docker.cwd, folder.path), async (pinned) => {
      folder.path = pinned;
      return await from(n + 1);
    });
  };
  return await from(0);
}

async function requireFolder(path: string, written: string, docker: DockerSession): Promise<void> {
  if ((await docker.files.stat(path))?.kind === 'folder') return;
  throw new Problem('not-found', `unable to prepare context: path ${JSON.stringify(written)} not found`);
}

/** Below the context it is a path; elsewhere (docker allows that) it is read here, with the ignore file beside it. */
async function findDockerfile(
  file: string | undefined,
  context: string,
  docker: DockerSession,
): Promise<ImageBuildRequest['dockerfile']> {
  const path = file === undefined ? posix.join(context, 'Dockerfile') : posix.resolve(docker.cwd, file);
  const stat = await docker.files.stat(path);
  if (stat === undefined) throw await missingDockerfile(path, docker.files);
  if (stat.kind === 'folder') throw new Problem('invalid', `failed to read dockerfile: ${path} is a directory`);
  const relative = posix.relative(context, path);
  if (!relative.startsWith('../')) return { path: relative };
  const read = async (at: string) => (await docker.files.readSmall(at, DOCKERFILE_LIMIT)).toString('utf8');
  const rules = `${path}.dockerignore`;
  const ignore = (await docker.files.stat(rules))?.kind === 'file' ? await read(rules) : undefined;
  return { text: await read(path), name: file ?? path, ignore };
}
