import { sendEmpty } from '../../http/answer.ts';
import type { Router } from '../../http/router.ts';
import type { DockerCall, DockerHandler } from '../call.ts';
import { DockerError } from '../errors.ts';
import { buildOptions } from './build-options.ts';
import { classicBuild } from './classic-build.ts';
import { pruneBuilds } from './prune.ts';
import { runningBuildsOf } from './running-builds.ts';
import { sessionBuild } from './session-build.ts';
import { uploadFor, uploadsOf } from './uploads.ts';

/** Builds: by the old builder's protocol or with a session, their end by name, and what is kept for the next one. */
export function buildRoutes(router: Router<DockerHandler>): void {
  router.on('POST', '/build', build).on('POST', '/build/cancel', cancel).on('POST', '/build/prune', pruneBuilds);
}

async function build(call: DockerCall): Promise<void> {
  const options = buildOptions(call.query);
  const version = call.query.get('version') || '1';
  if (version === '1') return await classicBuild(call, options);
  const upload = version === '2' ? uploadFor(options.id) : undefined;
  if (upload !== undefined) {
    await uploadsOf(call.house).bring(upload, call.request, call.signal);
    sendEmpty(call.response, 200);
    return;
  }
  if (version === '2') return await sessionBuild(call, options);
  throw new DockerError(400, `invalid version ${JSON.stringify(version)}`);
}

async function cancel({ query, house, response }: DockerCall): Promise<void> {
  const id = query.get('id') ?? '';
  if (id === '') throw new DockerError(400, 'build ID not provided');
  runningBuildsOf(house).cancel(id);
  sendEmpty(response, 200);
}
