import type { WaitCondition } from '../../../containers/containers.ts';
import { sendEmpty, sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { booleanOf, integerOf } from '../query.ts';
import { readJsonObject } from '../read-json.ts';
import { readLimits } from './read-limits.ts';

/** The container that a path names: a name, an id or its beginning. */
export function nameOf({ params }: DockerCall): string {
  return params['name'] ?? '';
}

export async function start(call: DockerCall): Promise<void> {
  const { alreadyRunning } = await call.house.containers.start(nameOf(call));
  sendEmpty(call.response, alreadyRunning ? 304 : 204);
}

export async function stop(call: DockerCall): Promise<void> {
  const { alreadyStopped } = await call.house.containers.stop(nameOf(call), integerOf(call.query, 't'));
  sendEmpty(call.response, alreadyStopped ? 304 : 204);
}

export async function restart(call: DockerCall): Promise<void> {
  await call.house.containers.restart(nameOf(call), integerOf(call.query, 't'));
  sendEmpty(call.response, 204);
}

export async function kill(call: DockerCall): Promise<void> {
  await call.house.containers.kill(nameOf(call), call.query.get('signal') || undefined);
  sendEmpty(call.response, 204);
}

export async function pause(call: DockerCall): Promise<void> {
  await call.house.containers.pause(nameOf(call));
  sendEmpty(call.response, 204);
}

export async function unpause(call: DockerCall): Promise<void> {
  await call.house.containers.unpause(nameOf(call));
  sendEmpty(call.response, 204);
}

export async function rename(call: DockerCall): Promise<void> {
  const to = call.query.get('name') ?? '';
  if (to === '') throw new DockerError(400, 'Neither old nor new names may be empty');
  await call.house.containers.rename(nameOf(call), to);
  sendEmpty(call.response, 204);
}

export async function update(call: DockerCall): Promise<void> {
  const body = await readJsonObject(call.request);
  await call.house.containers.update(nameOf(call), readLimits(body));
  sendJson(call.response, 200, { Warnings: [] });
}

export async function remove(call: DockerCall): Promise<void> {
  const { query, house, response } = call;
  if (booleanOf(query, 'link')) throw new DockerError(400, 'Links: there are none here');
  const options = { force: booleanOf(query, 'force'), volumes: booleanOf(query, 'v') };
  await house.containers.remove(nameOf(call), options);
  sendEmpty(response, 204);
}

export async function resize(call: DockerCall): Promise<void> {
  call.house.containers.resize(nameOf(call), sizeOf(call));
  sendEmpty(call.response, 200);
}

/** Rows and columns of a terminal. @throws DockerError 400 */
export function sizeOf({ query }: DockerCall): { rows: number; columns: number } {
  const [rows, columns] = ['h', 'w'].map((name) => {
    const text = query.get(name) ?? '';
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
      throw new DockerError(400, `invalid terminal size: ${name}=${text.slice(0, 40)}`);
    return Number(text);
  });
  return { rows: rows ?? 0, columns: columns ?? 0 };
}

const CONDITIONS: readonly WaitCondition[] = ['not-running', 'next-exit', 'removed'];

/**
 * Waits for the end. The head of the answer leaves at once: it tells the client that the end can no longer be missed, and
 * only then does it start the container.
 */
export async function waitForContainer(call: DockerCall): Promise<void> {
  const { house, query, response, signal } = call;
  const asked = query.get('condition') || 'not-running';
  const condition = CONDITIONS.find((known) => known === asked);
  if (condition === undefined) throw new DockerError(400, `invalid condition: ${JSON.stringify(asked.slice(0, 100))}`);
  house.containers.get(nameOf(call));
  const ended = house.containers.wait(nameOf(call), condition);
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.flushHeaders();
  const result = await Promise.race([ended, gone(signal)]);
  if (result === undefined) return;
  const { code, error } = result;
  response.end(`${JSON.stringify({ StatusCode: code, ...(error ? { Error: { Message: error } } : {}) })}\n`);
}

/** Whoever waits may go long before the container ends: `docker run -d` does. */
function gone(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
