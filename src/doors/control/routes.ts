import type { IncomingMessage, ServerResponse } from 'node:http';
import { readSmall } from '../../lib/bytes.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem, problemToJson } from '../../lib/problem.ts';
import type { NodeHandler } from '../http/door.ts';
import type { ControlCalls, ControlMethod } from './wire.ts';

/**
 * One function per call: `emit` sends an event line, the signal is given when the client hangs up. Whoever sends very many
 * events waits for each.
 */
export type ControlService = {
  [M in ControlMethod]: (
    request: ControlCalls[M]['request'],
    emit: (event: ControlCalls[M]['event']) => Promise<void>,
    signal: AbortSignal,
  ) => Promise<ControlCalls[M]['result']>;
};

/** A Dockerfile sent as text is the longest thing in a call. */
const BODY_LIMIT = 4 << 20;

/** Serves the calls; must only be mounted on the unix socket, because it asks nobody who they are. */
export function controlDoor(service: ControlService): NodeHandler {
  return (request, response) => {
    answer(service, request, response).catch((error: unknown) => {
      log.error({ error: messageOf(error) }, 'control: the answer could not be sent');
      response.destroy();
    });
  };
}

async function answer(service: ControlService, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const method = /^\/control\/([a-zA-Z]+)$/.exec(request.url ?? '')?.[1];
  const cancelled = new AbortController();
  response.once('close', () => cancelled.abort());
  let drained: Promise<void> | undefined;
  const send = async (line: unknown): Promise<void> => {
    if (response.destroyed || response.write(`${JSON.stringify(line)}\n`)) return;
    drained ??= new Promise<void>((resolve) => {
      response.once('drain', resolve).once('close', resolve);
    }).finally(() => {
      drained = undefined;
    });
    await drained;
  };
  response.setHeader('content-type', 'application/x-ndjson');
  try {
    if (request.method !== 'POST' || method === undefined || !Object.hasOwn(service, method))
      throw new Problem('not-found', `no such call: ${request.method} ${request.url}`, {
        hint: 'The command line and the server are of different versions? Restart the server.',
      });
    const body: unknown = JSON.parse((await readSmall(request, BODY_LIMIT)).toString('utf8') || '{}');
    const call = service[method as ControlMethod] as (
      request: unknown,
      emit: (event: unknown) => Promise<void>,
      signal: AbortSignal,
    ) => Promise<unknown>;
    void send({ result: (await call(body, (event) => send({ event }), cancelled.signal)) ?? null });
  } catch (error) {
    if (!(error instanceof Problem))
      log.error({ error: error instanceof Error ? error.stack : error, method }, 'control: a call failed');
    const problem = error instanceof Problem ? error : new Problem('failed', `the server failed: ${messageOf(error)}`);
    void send({ problem: problemToJson(problem) });
  }
  response.end();
}
