import type { Warning } from '../../../dockerfile/checks/warnings.ts';
import { parseDockerfile } from '../../../dockerfile/stages.ts';
import { Problem } from '../../../lib/problem.ts';
import { GrpcError } from '../../grpc/grpc-error.ts';
import type { DockerCall } from '../call.ts';
import { sessionContext } from '../session/session-contexts.ts';
import { sessionsOf } from '../session/sessions.ts';
import { outlineOf, targetsOf } from './dockerfile-outline.ts';
import { frontendBuild } from './frontend-build.ts';
import { type FrontendOptions, frontendOptions } from './frontend-options.ts';
import { lintResults, lintText } from './lint-results.ts';

/** Of the forms of the answers. */
const VERSION = '1.0.0';

const CALLS = ['frontend.lint', 'frontend.outline', 'frontend.targets', 'frontend.subrequests.describe'];

/**
 * Something that is asked about a Dockerfile in place of building it (`--check`, `--call`).
 * @param session of the client, with the file
 * @returns the answer's parts by name
 * @throws GrpcError `unimplemented`, Problem
 */
export async function frontendCall(
  call: DockerCall,
  attributes: Record<string, string>,
  session: string,
  signal: AbortSignal,
): Promise<Record<string, Uint8Array>> {
  const options = frontendOptions(attributes);
  if (options.request === 'frontend.lint') return await lint(call, attributes, session, signal);
  if (options.request === 'frontend.subrequests.describe')
    return answer(
      CALLS.map((name) => ({ name, version: VERSION, type: 'rpc' })),
      CALLS.map((name) => `${name}\n`).join(''),
    );
  if (options.request === 'frontend.targets' || options.request === 'frontend.outline') {
    const parsed = await readDockerfile(call, options, session, signal);
    const found = options.request === 'frontend.targets' ? targetsOf(parsed) : outlineOf(parsed, options.target);
    return answer(found, `${JSON.stringify({ ...found, sources: undefined }, undefined, 2)}\n`);
  }
  throw new GrpcError('unimplemented', `unsupported request ${options.request}`);
}

async function lint(call: DockerCall, attributes: Record<string, string>, session: string, signal: AbortSignal) {
  const warnings: Warning[] = [];
  let failed: Problem | undefined;
  const nothing = { tags: [], outputs: [], cacheFrom: [], cacheTo: [], allow: [] };
  try {
    await frontendBuild(
      call,
      { attributes, inputs: {} },
      {
        ...nothing,
        session,
        signal,
        checkOnly: true,
        onEvent: (event) => void (event.kind === 'warning' && warnings.push(event)),
      },
    );
  } catch (error) {
    if (!(error instanceof Problem) || error.place === undefined) throw error;
    failed = error;
  }
  const parts = answer(lintResults(warnings, failed), lintText(warnings, failed));
  return { ...parts, 'result.statuscode': Buffer.from(warnings.length > 0 || failed !== undefined ? '1' : '0') };
}

async function readDockerfile(
  { house }: DockerCall,
  { remote, folders, filename, sessions, buildArgs }: FrontendOptions,
  session: string,
  signal: AbortSignal,
) {
  if (remote !== undefined)
    throw new GrpcError('unimplemented', 'only Dockerfiles of the client are described here, not those of an address');
  const from = await sessionsOf(house).get(sessions[folders.context] ?? session, signal);
  const { dockerfile } = await sessionContext(from, { ...folders, filename }, signal);
  if (!('text' in dockerfile)) throw new Error('the Dockerfile of a session has no text');
  return parseDockerfile(dockerfile.text, filename, { syntax: buildArgs['BUILDKIT_SYNTAX'] });
}

function answer(json: unknown, text: string): Record<string, Uint8Array> {
  return {
    'result.json': Buffer.from(JSON.stringify(json)),
    'result.txt': Buffer.from(text),
    version: Buffer.from(VERSION),
  };
}
