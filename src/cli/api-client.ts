import { readFile } from 'node:fs/promises';
import { throwIfCancelled } from '../lib/cancelled.ts';
import { hasErrorCode, messageOf, Problem, type ProblemCode } from '../lib/problem.ts';
import type { CliContext } from './context.ts';
import { Unreachable } from './unreachable.ts';
import { UsageProblem } from './usage-problem.ts';

/** The HTTP doors, as gcloud speaks to them, with a token. */
export interface ApiClient {
  url: string;
  /** @throws Problem with the server's own message; `unavailable` when it can't be reached */
  json(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Streams a request body; gives the answer's JSON. @param size bytes, where they are known */
  upload(
    path: string,
    contentType: string,
    body: AsyncIterable<Uint8Array>,
    size: number | undefined,
    more?: Readonly<Record<string, string>>,
  ): Promise<Record<string, unknown>>;
  /** Bytes from `start` of an object; undefined while there is nothing (404, 416). */
  bytes(path: string, start: number): Promise<Buffer | undefined>;
}

/**
 * The server of the data folder with its own token, or the one of $SLIPWAY_URL with the token in the file that
 * $SLIPWAY_TOKEN_FILE names: tokens are never on a command line.
 */
export async function apiClient(context: CliContext): Promise<ApiClient> {
  const { url, token } = await apiCredentials(context);
  const send = (path: string, init: RequestInit & { duplex?: 'half' }) =>
    request(url, path, token, init, context.signal);
  return {
    url,
    json: async (method, path, body) => {
      const init: RequestInit = { method };
      if (body !== undefined)
        Object.assign(init, { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
      return jsonOf(await accepted(await send(path, init)));
    },
    upload: async (path, contentType, body, size, more = {}) => {
      const length = size === undefined ? {} : { 'content-length': String(size) };
      const headers = { 'content-type': contentType, ...length, ...more };
      const init = {
        method: 'POST',
        headers,
        body: body as unknown as NonNullable<RequestInit['body']>,
        duplex: 'half' as const,
      };
      return jsonOf(await accepted(await send(path, init)));
    },
    bytes: async (path, start) => {
      const response = await send(path, { headers: { range: `bytes=${start}-` } });
      if (response.status === 404 || response.status === 416) {
        await response.body?.cancel();
        return undefined;
      }
      return Buffer.from(await (await accepted(response)).arrayBuffer());
    },
  };
}

/** Which server, and the token shown to it; see `apiClient`. */
export async function apiCredentials(context: CliContext): Promise<{ url: string; token: string }> {
  const remote = process.env['SLIPWAY_URL'];
  const tokenFile = process.env['SLIPWAY_TOKEN_FILE'] ?? context.data.token;
  const url = (remote ?? (await context.server().call('status', {})).url).replace(/\/+$/, '');
  if (!URL.canParse(url))
    throw new UsageProblem(`SLIPWAY_URL=${url} is no URL`, 'For example SLIPWAY_URL=http://127.0.0.1:7070.');
  return { url, token: await readToken(tokenFile) };
}

async function readToken(file: string): Promise<string> {
  let token = '';
  try {
    token = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'EACCES', 'EISDIR')) throw error;
  }
  // visible ASCII alone, as a header takes it: whatever else the file is, it is no token
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Problem('unauthenticated', `no token can be read from ${file}`, {
    hint: 'Name a file with a token in SLIPWAY_TOKEN_FILE, or the data folder with --data.',
  });
}

async function request(
  url: string,
  path: string,
  token: string,
  init: RequestInit,
  signal: AbortSignal,
): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${token}`);
  try {
    return await fetch(`${url}${path}`, { ...init, headers, signal });
  } catch (error) {
    throwIfCancelled(signal);
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new Unreachable(
      `${url} can't be reached: ${messageOf(cause)}`,
      'Start the server with `slipway serve`, or name another one with --data or SLIPWAY_URL.',
    );
  }
}

async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response;
  const text = await response.text();
  const code = CODES[response.status] ?? 'invalid';
  // the doors put their advice below the API's own text
  const [message = '', ...advice] = (errorMessage(text) ?? `the server answered ${response.status}: ${text}`).split(
    '\n',
  );
  throw new Problem(code, message, { hint: advice.length > 0 ? advice.join('\n') : HINTS[code] });
}

const CODES: Readonly<Record<number, ProblemCode>> = {
  401: 'unauthenticated',
  403: 'denied',
  404: 'not-found',
  409: 'conflict',
};

/** For errors in Google's own words, which don't know our commands. */
const HINTS: Partial<Record<ProblemCode, string>> = {
  unauthenticated: 'Is the token still good? `slipway token list`, on the machine of the server, shows those that are.',
  denied: '`slipway token create --role ROLE --project PROJECT`, on the machine of the server, makes a token that may.',
};

/** Google's error form: `{"error":{"message":"..."}}`. */
function errorMessage(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message;
  } catch {
    return undefined;
  }
}

async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}
