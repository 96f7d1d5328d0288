import { INNER_ADDRESS_HINT } from '../../engine/sources/web-file.ts';
import type { Answer, Transport } from '../../images/remote/transport.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import type { CommitState } from '../triggers/commit-reports.ts';

/** As much of GitLab's REST API (v4) as triggers need. */
export interface GitLabProject {
  id: number;
  /** `group/sub/project`. */
  path: string;
}

export interface StatusOfCommit {
  state: CommitState;
  /** What it stands under. */
  name: string;
  ref?: string | undefined;
  targetUrl?: string | undefined;
  description: string;
}

/** From this level on a member may push (Developer). */
const MAY_PUSH = 30;
/** An answer of ours is a few kilobytes. */
const MAX_ANSWER = 1 << 20;
const TIMEOUT_MS = 15_000;

const EVENTS = {
  push_events: true,
  tag_push_events: true,
  merge_requests_events: true,
  note_events: true,
} as const;

export class GitLabApi {
  readonly #transport: Transport;
  readonly #base: string;
  readonly #token: string;

  /** @param hostUri `https://gitlab.example`, with a path where GitLab has one */
  constructor(transport: Transport, hostUri: string, token: string) {
    this.#transport = transport;
    this.#base = `${hostUri.replace(/\/+$/, '')}/api/v4`;
    this.#token = token;
  }

  /** Which GitLab it is. @throws Problem `unauthenticated` for a token that it doesn't know, `unavailable` */
  async version(): Promise<string> {
    const { version } = await this.#ask('GET', '/version');
    return String(version);
  }

  async project(path: string): Promise<GitLabProject> {
    const found = await this.#ask('GET', `/projects/${encodeURIComponent(path)}`);
    return { id: Number(found['id']), path: String(found['path_with_namespace']) };
  }

  /** Makes the project tell us of its events; of a hook with this address that is there already, it is changed. @returns its id */
  async hook(project: number, url: string, secret: string): Promise<number> {
    const hooks = await this.#ask('GET', `/projects/${project}/hooks?per_page=100`);
    const there = (Array.isArray(hooks) ? hooks : []).find((hook) => (hook as { url?: unknown }).url === url);
    const settings = { url, token: secret, enable_ssl_verification: url.startsWith('https:'), ...EVENTS };
    if (there === undefined) return Number((await this.#ask('POST', `/projects/${project}/hooks`, settings))['id']);
    const id = Number((there as { id: unknown }).id);
    await this.#ask('PUT', `/projects/${project}/hooks/${id}`, settings);
    return id;
  }

  /** One that is gone already is no mistake. */
  async removeHook(project: number, id: string): Promise<void> {
    try {
      await this.#ask('DELETE', `/projects/${project}/hooks/${encodeURIComponent(id)}`);
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'not-found')) throw error;
    }
  }

  /** Whether somebody may push to the project; who is no member may not. */
  async mayPush(project: number, user: number): Promise<boolean> {
    try {
      const member = await this.#ask('GET', `/projects/${project}/members/all/${user}`);
      return Number(member['access_level']) >= MAY_PUSH && (member['state'] ?? 'active') === 'active';
    } catch (error) {
      if (error instanceof Problem && error.code === 'not-found') return false;
      throw error;
    }
  }

  async setStatus(project: number, commit: string, status: StatusOfCommit, signal?: AbortSignal): Promise<void> {
    const { state, name, ref, targetUrl, description } = status;
    const body = { state, name, description, ...(ref === undefined ? {} : { ref }), target_url: targetUrl };
    await this.#ask('POST', `/projects/${project}/statuses/${commit}`, body, signal);
  }

  async #ask(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: object,
    outer?: AbortSignal,
  ): Promise<Record<string, unknown>> {
    const url = new URL(this.#base + path);
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    const signal = outer === undefined ? limit : AbortSignal.any([limit, outer]);
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token}` };
    if (bytes !== undefined) headers['content-type'] = 'application/json';
    const sent = bytes === undefined ? undefined : { size: bytes.length, open: async () => chunksOf(bytes) };
    let status: number;
    let text: string;
    try {
      // a hook's body holds its secret
      const question = { method, url, headers, body: sent, signal, attempts: 1, staysHere: true };
      const answer = await this.#transport.send(question);
      status = answer.status;
      text = await read(answer);
    } catch (error) {
      throw unreachable(url, error);
    }
    if (status < 200 || status >= 300) throw refused(url, status, text);
    try {
      return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    } catch (error) {
      throw new Problem('unavailable', `${url.origin} answers with no JSON: is it a GitLab?`, { cause: error });
    }
  }
}

function unreachable(url: URL, error: unknown): Problem {
  if (error instanceof Problem && error.code === 'denied')
    return new Problem('denied', error.message, { hint: INNER_ADDRESS_HINT, cause: error });
  if (error instanceof Problem) return error;
  return new Problem('unavailable', `GitLab at ${url.host} can't be reached: ${messageOf(error)}`, {
    hint: 'Is hostUri of the connection right, and can this machine reach it?',
    cause: error,
  });
}

async function* chunksOf(bytes: Buffer): AsyncIterable<Uint8Array> {
  yield bytes;
}

async function read({ body }: Answer): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new Problem('unavailable', `GitLab answered more than ${MAX_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refused(url: URL, status: number, text: string): Problem {
  const said = saidBy(text);
  const message = `GitLab at ${url.host} answers ${status}${said === '' ? '' : `: ${said}`}`;
  if (status === 401)
    return new Problem('unauthenticated', message, { hint: 'The token of the connection is unknown or has expired.' });
  if (status === 403)
    return new Problem('denied', message, {
      hint: "The authorizer's token needs the scope api and the role Maintainer; the reader's token read_api.",
    });
  if (status === 404) return new Problem('not-found', message, { hint: 'Or the token may not see it.' });
  if (status === 408 || status === 429 || status >= 500) return new Problem('unavailable', message);
  return new Problem('invalid', message);
}

/** GitLab's complaint in its JSON: a text, or texts by field. */
function saidBy(text: string): string {
  try {
    const { message, error } = JSON.parse(text) as { message?: unknown; error?: unknown };
    const said = message ?? error ?? '';
    return (typeof said === 'string' ? said : JSON.stringify(said)).slice(0, 500);
  } catch {
    return '';
  }
}
