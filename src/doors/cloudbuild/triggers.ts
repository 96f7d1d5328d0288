import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type RepoSource, repoSourceSchema } from '../../builds/triggers/trigger.ts';
import type { Supposed } from '../../builds/triggers/trigger-service.ts';
import type { TriggerPlace } from '../../builds/triggers/triggers.ts';
import { Problem } from '../../lib/problem.ts';
import { unknownMethod } from '../http/google-errors.ts';
import { projectId } from './access.ts';
import { authorised, authorisedToKeep, type CloudBuildDeps, SCOPES, type Scope, type Triggering } from './call.ts';
import { readSupposed, type WireTriggerEvents } from './trigger-wire.ts';
import { bodyOf, jsonBody, receiveRawBodies } from './webhooks.ts';
import { operationOf } from './wire.ts';

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;

/** projects.triggers. */
export function triggerRoutes(door: FastifyInstance, deps: CloudBuildDeps, triggering: Triggering): void {
  for (const base of SCOPES) below(door, base, deps, triggering);
  // webhooks are signed over their bytes, so posts to a trigger are read as bytes
  void door.register(async (raw) => {
    receiveRawBodies(raw);
    for (const base of SCOPES) verbs(raw, base, deps, triggering);
  });
}

interface OfTrigger {
  Params: Scope & { trigger: string };
  Querystring: Record<string, string>;
}

function below(door: FastifyInstance, base: string, deps: CloudBuildDeps, { triggers }: Triggering): void {
  type InScope = { Params: Scope; Querystring: Record<string, string> };

  door.post<InScope>(`${base}/triggers`, async (request) => {
    const place = await placeOf(request, 'writer', deps);
    return triggers.create(place, request.body);
  });

  door.get<InScope>(`${base}/triggers`, async (request) => {
    const { project, location } = await placeOf(request, 'reader', deps);
    const { pageSize, pageToken } = request.query;
    const page = await triggers.store.list({
      project,
      location: location === '-' ? undefined : location,
      limit: pageLimit(pageSize, DEFAULT_PAGE),
      after: pageToken === '' ? undefined : pageToken,
    });
    return {
      ...(page.records.length === 0 ? {} : { triggers: page.records.map(({ trigger }) => trigger) }),
      ...(page.next === undefined ? {} : { nextPageToken: page.next }),
    };
  });

  door.get<OfTrigger>(`${base}/triggers/:trigger`, async (request) => {
    const place = await placeOf(request, 'reader', deps);
    return (await triggers.get(place, request.params.trigger)).trigger;
  });

  door.patch<OfTrigger>(`${base}/triggers/:trigger`, async (request) => {
    const place = await placeOf(request, 'writer', deps);
    return triggers.update(place, request.params.trigger, request.body, request.query['updateMask']);
  });

  door.delete<OfTrigger>(`${base}/triggers/:trigger`, async (request) => {
    const place = await placeOf(request, 'writer', deps);
    await triggers.remove(place, request.params.trigger);
    return {};
  });

  // ours: what triggers made of what happened, newest first
  door.get<InScope>(`${base}/triggerEvents`, async (request): Promise<WireTriggerEvents> => {
    const place = await placeOf(request, 'reader', deps);
    const { trigger, pageSize } = request.query;
    const id = trigger ? (await triggers.get(place, trigger)).trigger.id : undefined;
    const limit = pageLimit(pageSize, DEFAULT_PAGE);
    return { events: await triggers.events.list({ project: place.project, trigger: id, limit }) };
  });
}

/** `ID:run`, `ID:webhook` and `ID:check` are one path segment with the verb behind the colon. */
function verbs(door: FastifyInstance, base: string, deps: CloudBuildDeps, { triggers, webhooks }: Triggering): void {
  door.post<OfTrigger>(`${base}/triggers/:trigger`, async (request, reply) => {
    const { trigger } = request.params;
    const colon = trigger.lastIndexOf(':');
    const [name, verb] = colon < 0 ? [trigger, ''] : [trigger.slice(0, colon), trigger.slice(colon + 1)];
    if (verb === 'webhook') {
      const project = await projectId(request.params.project, deps.records, deps.pools);
      const place = { project, location: request.params.location ?? 'global' };
      return webhooks.webhook(place, name, request.query['secret'] ?? '', request.headers, bodyOf(request));
    }
    if (verb === 'check') {
      const place = await placeOf(request, 'reader', deps);
      const supposed: Supposed = readSupposed(jsonBody(request));
      return triggers.check(await triggers.get(place, name), supposed);
    }
    if (verb !== 'run') throw unknownMethod();
    const { project, actor } = await authorised(request, 'writer', deps);
    const record = await triggers.get({ project, location: request.params.location ?? 'global' }, name);
    const source = runSource(jsonBody(request));
    return operationOf(await triggers.run(record, source, actor, goneSignal(reply)));
  });
}

async function placeOf(
  request: FastifyRequest<{ Params: Scope }>,
  role: 'reader' | 'writer',
  deps: CloudBuildDeps,
): Promise<TriggerPlace> {
  const { project } = role === 'writer' ? await authorisedToKeep(request, deps) : await authorised(request, role, deps);
  return { project, location: request.params.location ?? 'global' };
}

/** By location the source is wrapped; in the older spelling the body is the source. */
function runSource(body: unknown): RepoSource {
  const { source, triggerId, projectId: _, ...bare } = body as Record<string, unknown>;
  const result = repoSourceSchema.safeParse(source ?? (triggerId === undefined ? bare : {}));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Problem(
    'invalid',
    `Invalid value at '${['source', ...(issue?.path ?? [])].join('.')}': ${issue?.message ?? ''}`,
  );
}

/** Whoever has gone away waits for no answer. */
function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  return gone.signal;
}

function pageLimit(text: string | undefined, usual: number): number {
  const size = Number(text ?? 0);
  if (!Number.isInteger(size) || size < 0) throw new Problem('invalid', `invalid page size ${JSON.stringify(text)}`);
  return size === 0 ? usual : Math.min(size, MAX_PAGE);
}
