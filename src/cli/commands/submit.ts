import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { parsePriority, withPriority } from '../../builds/queue/priority.ts';
import { formatBytes } from '../../lib/bytes.ts';
import { Problem } from '../../lib/problem.ts';
import { type ApiClient, apiClient } from '../api-client.ts';
import { type BuildOptions, buildRequest } from '../build-request.ts';
import { buildSummary } from '../build-summary.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { type BuildView, buildPath, followLog } from '../follow.ts';
import { projectOf } from '../project.ts';
import { isArchive } from '../sources/is-archive.ts';
import { sendSource } from '../sources/send-source.ts';
import { READER_GONE } from '../terminal.ts';

interface SubmitOptions extends BuildOptions {
  priority?: string;
  async?: boolean;
  json?: boolean;
}

export async function submit(context: CliContext, options: SubmitOptions, source = '.'): Promise<number> {
  const project = projectOf(options.project);
  const { priority } = options;
  const asked = await buildRequest(options, project);
  const request =
    priority === undefined ? asked : { ...asked, tags: withPriority(asked.tags, parsePriority(priority)) };
  const api = await apiClient(context);
  const storageSource = await uploadSource(context, api, project, resolve(source));
  const operation = await api.json('POST', buildPath(project, options.region), {
    ...request,
    source: { storageSource },
  });
  const created = (operation['metadata'] as { build: BuildView }).build;
  context.terminal.err(`Build ${created.id}\n  log ${created.logUrl ?? ''}\n`);
  if (options.async) {
    context.terminal.out(options.json ? `${JSON.stringify(created, null, 2)}\n` : `${created.id}\n`);
    return EXIT.done;
  }
  const ended = await follow(context, api, { project, region: options.region, id: created.id }, options.json === true);
  if (options.json) context.terminal.out(`${JSON.stringify(ended, null, 2)}\n`);
  else context.terminal.err(buildSummary(ended));
  return ended.status === 'SUCCESS' ? EXIT.done : EXIT.failed;
}

async function uploadSource(context: CliContext, api: ApiClient, project: string, source: string) {
  const bucket = `${project.replaceAll(/[:.]/g, '_')}_cloudbuild`;
  await ensureBucket(api, project, bucket);
  return isArchive(source)
    ? await uploadArchive(context, api, bucket, source)
    : await uploadFolder(context, api, { project, bucket, folder: source });
}

/** Only what the server doesn't have travels. */
async function uploadFolder(
  context: CliContext,
  api: ApiClient,
  { project, bucket, folder }: Record<'project' | 'bucket' | 'folder', string>,
) {
  const { interactive } = context.terminal;
  let shownAt = 0;
  const watch = (sent: number) => {
    if (!interactive || Date.now() - shownAt < REDRAW_MS) return;
    context.terminal.err(`${LINE_AGAIN}Uploading ${formatBytes(sent)}`);
    shownAt = Date.now();
  };
  const { source, files, bytes, sent } = await sendSource({
    api,
    project,
    bucket,
    folder,
    signal: context.signal,
    watch,
  });
  const all = `${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}`;
  context.terminal.err(`${interactive ? LINE_AGAIN : ''}Uploaded ${formatBytes(sent)} of ${all}\n`);
  return source;
}

async function uploadArchive(context: CliContext, api: ApiClient, bucket: string, archive: string) {
  const { size } = await stat(archive);
  const object = `source/${Date.now() / 1000}-${randomBytes(16).toString('hex')}${extname(archive)}`;
  const path = `/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(object)}`;
  const stored = await api.upload(path, 'application/x-tar', progress(context, createReadStream(archive), size), size);
  return { bucket, object, generation: String(stored['generation']) };
}

async function ensureBucket(api: ApiClient, project: string, bucket: string): Promise<void> {
  try {
    await api.json('GET', `/storage/v1/b/${bucket}`);
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'not-found')) throw error;
    await createBucket(api, project, bucket);
  }
}

/** Another submit may have made it since we looked. */
async function createBucket(api: ApiClient, project: string, bucket: string): Promise<void> {
  try {
    await api.json('POST', `/storage/v1/b?project=${encodeURIComponent(project)}`, { name: bucket });
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'conflict')) throw error;
    await api.json('GET', `/storage/v1/b/${bucket}`);
  }
}

/** Often enough to look alive, seldom enough to cost nothing. */
const REDRAW_MS = 100;
/** To the line's beginning, and what was there is gone (ECMA-48, EL). */
const LINE_AGAIN = '\r\u001b[K';

/** Says on a terminal how far the upload is; in a pipe only once, at its end. */
async function* progress(
  context: CliContext,
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array> {
  const { interactive } = context.terminal;
  let sent = 0;
  let shownAt = 0;
  for await (const chunk of source) {
    sent += chunk.length;
    if (interactive && Date.now() - shownAt > REDRAW_MS) {
      context.terminal.err(`${LINE_AGAIN}Uploading ${formatBytes(sent)} of ${formatBytes(size)}`);
      shownAt = Date.now();
    }
    yield chunk;
  }
  context.terminal.err(`${interactive ? LINE_AGAIN : ''}Uploaded ${formatBytes(size)}\n`);
}

/** Ctrl-C cancels the build and waits for its end; the log is shown to the last line. */
async function follow(
  context: CliContext,
  api: ApiClient,
  build: { project: string; region: string; id: string },
  quiet: boolean,
): Promise<BuildView> {
  const print = (text: string) => (quiet ? context.terminal.err(text) : context.terminal.out(text));
  try {
    return await followLog(api, build, print, context.signal);
  } catch (error) {
    if (!context.signal.aborted) throw error;
    if (context.signal.reason === READER_GONE) {
      context.terminal.err(`The build goes on: slipway builds log --follow ${build.id}\n`);
      throw error;
    }
    context.terminal.err('Cancelling the build\n');
    const calm = await apiClient({ ...context, signal: new AbortController().signal });
    await calm.json('POST', `${buildPath(build.project, build.region, build.id)}:cancel`, {});
    return followLog(calm, build, () => undefined, new AbortController().signal);
  }
}
