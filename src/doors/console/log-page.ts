import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { may } from '../../auth/identity.ts';
import { type Build, isFinal } from '../../builds/build.ts';
import type { BuildRecords } from '../../builds/records.ts';
import { log } from '../../lib/log.ts';
import { hasErrorCode, messageOf } from '../../lib/problem.ts';
import { pause } from '../../lib/retry.ts';
import type { LogReader } from '../../stores/logs/logs.ts';
import { urlOf } from '../http/answer.ts';
import { identify } from '../http/credentials.ts';
import type { DoorContext, NodeHandler } from '../http/door.ts';
import type { LogLinks } from './log-links.ts';
import { logPageHtml } from './log-page-html.ts';
import type { LogPageState } from './log-page-state.ts';

export interface LogPageDeps extends DoorContext {
  records: Pick<BuildRecords, 'get'>;
  logs: LogReader;
  links: LogLinks;
}

const PATH = /^\/builds\/([0-9a-f-]{36})(\/log)?$/;
/** How often status and steps are looked at while the page is open. Milliseconds. */
const LOOK = 1000;
/** A silent stream says something so often, lest a proxy, or we, take the connection for a dead one. Milliseconds. */
const HEARTBEAT = 15_000;

/**
 * `GET /builds/<id>`: status, steps and the log as it grows, for a person who followed gcloud's link. `GET
 * /builds/<id>/log?from=N` is its event stream: `log` events (id = position behind them, so a browser that reconnects
 * goes on where it was), `status` events, and `end`.
 */
export function logPageHandler(deps: LogPageDeps): NodeHandler {
  return (request, response) => {
    answer(request, response, deps).catch((error: unknown) => {
      log.error({ error: messageOf(error) }, 'the log page failed');
      if (!response.headersSent) plain(response, 500, 'Internal error.');
      else response.destroy();
    });
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, deps: LogPageDeps): Promise<void> {
  const { path, query } = urlOf(request);
  const match = PATH.exec(path);
  const id = match?.[1];
  if (id === undefined) return plain(response, 404, 'There is no such page.');
  if (request.method !== 'GET' && request.method !== 'HEAD') return plain(response, 405, 'Only GET is known here.');
  const record = await deps.records.get(id);
  if (!(await mayRead(request, query.get('key') ?? undefined, id, record?.build.projectId, deps)))
    return plain(response, 403, 'This link is not complete: open the one that gcloud or slipway printed.');
  if (record === undefined) return plain(response, 404, `There is no build ${id}.`);
  if (match?.[2] === undefined) return page(response, record.build, query.get('key') ?? '');
  const from = Number(request.headers['last-event-id'] ?? query.get('from') ?? 0);
  await events(response, id, Number.isSafeInteger(from) && from >= 0 ? from : 0, deps);
}

async function mayRead(
  request: IncomingMessage,
  key: string | undefined,
  id: string,
  project: string | undefined,
  deps: LogPageDeps,
): Promise<boolean> {
  if (deps.links.verify(id, key)) return true;
  const identity = await identify(request, deps);
  return identity !== undefined && project !== undefined && may(identity, 'reader', project);
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' });
  response.end(`${text}\n`);
}

function page(response: ServerResponse, build: Build, key: string): void {
  const { html, policy } = logPageHtml(build.id, stateOf(build), key);
  response.writeHead(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policy,
    'Cache-Control': 'no-store',
    // the address holds the key: no other site learns it from a link that is followed
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(html);
}

async function events(response: ServerResponse, id: string, from: number, deps: LogPageDeps): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  });
  const heartbeat = setInterval(() => response.write(':\n\n'), HEARTBEAT);
  const ended = async () => {
    const final = await followStatus(response, id, deps, gone.signal);
    // a build that was cancelled while it waited may have no log at all: then nothing more will come
    if ((await deps.logs.info(id)) === undefined) gone.abort();
    return final;
  };
  try {
    // whichever fails first is told, and ends the other
    const [final] = await Promise.all([ended(), followLog(response, id, from, deps.logs, gone.signal)]);
    if (final) response.write('event: end\ndata: {}\n\n');
    response.end();
  } finally {
    clearInterval(heartbeat);
    gone.abort();
  }
}

async function followLog(
  response: ServerResponse,
  id: string,
  from: number,
  logs: LogReader,
  signal: AbortSignal,
): Promise<void> {
  let position = from;
  for await (const chunk of logs.follow(id, from, signal)) {
    position += chunk.length;
    const room = response.write(`event: log\nid: ${position}\ndata: ${JSON.stringify(chunk.toString('utf8'))}\n\n`);
    if (!room) await drained(response, signal);
  }
}

/** Resolves when the client has read what was written, or has gone. */
async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  try {
    await once(response, 'drain', { signal });
  } catch (error) {
    if (!hasErrorCode(error, 'ABORT_ERR')) throw error;
  }
}

/** @returns whether the build has ended */
async function followStatus(
  response: ServerResponse,
  id: string,
  deps: LogPageDeps,
  signal: AbortSignal,
): Promise<boolean> {
  let shown = '';
  while (!signal.aborted) {
    const build = (await deps.records.get(id))?.build;
    if (build === undefined) return true;
    const state = JSON.stringify(stateOf(build));
    if (state !== shown) response.write(`event: status\ndata: ${state}\n\n`);
    shown = state;
    if (isFinal(build.status)) return true;
    await pause(LOOK, signal);
  }
  return false;
}

function stateOf(build: Build): LogPageState {
  return {
    status: build.status,
    final: isFinal(build.status),
    detail: build.failureInfo?.detail ?? build.statusDetail ?? '',
    steps: build.steps.map((step, index) => ({
      label: step.id ?? `#${index}`,
      name: step.name ?? '',
      status: step.status ?? 'QUEUED',
      seconds: secondsOf(step.timing?.startTime, step.timing?.endTime),
    })),
    images: (build.results?.images ?? []).map(({ name, digest }) => ({ name, digest })),
  };
}

function secondsOf(start: string | undefined, end: string | undefined): number | null {
  return start === undefined || end === undefined ? null : (Date.parse(end) - Date.parse(start)) / 1000;
}
