import { pause } from '../lib/retry.ts';
import type { ApiClient } from './api-client.ts';

/** What the command line reads of a Build. */
export interface BuildView {
  id: string;
  projectId: string;
  status: string;
  statusDetail?: string;
  logUrl?: string;
  logsBucket?: string;
  createTime?: string;
  startTime?: string;
  finishTime?: string;
  failureInfo?: { detail?: string };
  results?: { images?: { name: string; digest: string }[] };
}

const RUNNING = new Set(['QUEUED', 'WORKING', 'PENDING']);
/** Short enough that lines seem to come at once, long enough not to be noticed by the server. */
const POLL_MS = 250;

export function buildPath(project: string, region: string, id = ''): string {
  return `/v1/projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(region)}/builds${id === '' ? '' : `/${encodeURIComponent(id)}`}`;
}

export async function getBuild(api: ApiClient, project: string, region: string, id: string): Promise<BuildView> {
  return (await api.json('GET', buildPath(project, region, id))) as unknown as BuildView;
}

/**
 * Prints the log as it grows until the build has ended; the status turns final only after the last byte of the log can be
 * read, so one more read after that is the whole of it.
 */
export async function followLog(
  api: ApiClient,
  build: { project: string; region: string; id: string },
  print: (text: string) => void,
  signal: AbortSignal,
): Promise<BuildView> {
  let position = 0;
  const readMore = async (view: BuildView) => {
    const bytes = await api.bytes(logPath(view), position);
    if (bytes === undefined || bytes.length === 0) return;
    position += bytes.length;
    print(bytes.toString('utf8'));
  };
  for (;;) {
    const view = await getBuild(api, build.project, build.region, build.id);
    await readMore(view);
    if (!RUNNING.has(view.status)) return view;
    await pause(POLL_MS, signal);
    signal.throwIfAborted();
  }
}

/** The log object of a build in its bucket, by the storage door. */
export function logPath(view: BuildView): string {
  const [bucket = '', ...folders] = (view.logsBucket ?? '').replace(/^gs:\/\//, '').split('/');
  const object = [...folders, `log-${view.id}.txt`].join('/');
  return `/download/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(object)}?alt=media`;
}
