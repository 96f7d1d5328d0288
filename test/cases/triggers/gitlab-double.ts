import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerGit } from '../image-build-sources/git-server.ts';
import { serveWeb, type WebServer } from '../image-build-sources/web-server.ts';

export interface CommitStatus {
  sha: string;
  state: string;
  name: string;
  ref?: string;
  target_url?: string;
  description?: string;
}

export interface Hook {
  id: number;
  url: string;
  token: string;
  push_events: boolean;
}

/** As much of a GitLab as the server speaks to: projects with hooks, members, states of commits, and git by http. */
export interface GitLabDouble {
  url: string;
  host: string;
  hooks: Hook[];
  statuses: CommitStatus[];
  /** Users who may push. */
  developers: Set<number>;
  /** Answers the next requests for states of commits with this. */
  refuseStatuses?: number | undefined;
  close(): Promise<void>;
}

export const PROJECT = 15;
export const READ_TOKEN = 'glpat-read';
export const WRITE_TOKEN = 'glpat-write';

/** @param root in which `team/shop.git` is a bare repository */
export async function startGitLab(root: string): Promise<GitLabDouble> {
  let hooks = 0;
  const web: WebServer = await serveWeb((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    if (!url.pathname.startsWith('/api/v4/')) return repository(root, request, response);
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (token !== READ_TOKEN && token !== WRITE_TOKEN) return json(response, 401, { message: '401 Unauthorized' });
    const path = url.pathname.slice('/api/v4'.length);
    const of = `/projects/${PROJECT}`;
    if (path === '/version') return json(response, 200, { version: '18.5.0', revision: 'x' });
    if (path === '/projects/team%2Fshop') return json(response, 200, { id: PROJECT, path_with_namespace: 'team/shop' });
    const member = /^\/projects\/15\/members\/all\/(\d+)$/.exec(path)?.[1];
    if (member !== undefined)
      return double.developers.has(Number(member))
        ? json(response, 200, { id: Number(member), access_level: 30, state: 'active' })
        : json(response, 404, { message: '404 Not found' });
    if (token !== WRITE_TOKEN) return json(response, 403, { message: '403 Forbidden' });
    if (path === `${of}/hooks` && request.method === 'GET') return json(response, 200, double.hooks);
    void body(request).then((sent) => {
      if (path === `${of}/hooks`) {
        const hook = { id: ++hooks, ...(sent as Omit<Hook, 'id'>) };
        double.hooks.push(hook);
        return json(response, 201, hook);
      }
      if (path.startsWith(`${of}/hooks/`)) {
        const id = Number(path.split('/').at(-1));
        if (request.method === 'DELETE') double.hooks = double.hooks.filter((hook) => hook.id !== id);
        return json(response, request.method === 'DELETE' ? 204 : 200, {});
      }
      const sha = new RegExp(`^${of}/statuses/([0-9a-f]{40})$`).exec(path)?.[1];
      if (sha === undefined) return json(response, 404, { message: '404 Project Not Found' });
      if (double.refuseStatuses !== undefined) return json(response, double.refuseStatuses, { message: 'not now' });
      double.statuses.push({ sha, ...(sent as Omit<CommitStatus, 'sha'>) });
      return json(response, 201, {});
    });
  });
  const double: GitLabDouble = {
    url: web.url,
    host: web.url.replace('http://', ''),
    hooks: [],
    statuses: [],
    developers: new Set(),
    close: () => web.close(),
  };
  return double;
}

/** Private: who has no token sees nothing. */
function repository(root: string, request: IncomingMessage, response: ServerResponse): void {
  const [, value = ''] = (request.headers.authorization ?? '').split(' ');
  const [, password] = Buffer.from(value, 'base64').toString('utf8').split(':');
  if (password === READ_TOKEN) answerGit(root, request, response);
  else response.writeHead(401, { 'www-authenticate': 'Basic realm="GitLab"' }).end();
}

async function body(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(status === 204 ? '' : JSON.stringify(value));
}
