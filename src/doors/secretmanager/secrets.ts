import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Problem } from '../../lib/problem.ts';
import type { SecretInfo } from '../../stores/secrets/secrets.ts';
import { GoogleError } from '../http/google-errors.ts';
import { authorised, authorisedToChange, type SecretManagerDeps } from './call.ts';
import { type PageQuery, pageOf } from './pages.ts';
import { secretPath, type WirePage, type WireSecret, wireSecret } from './wire.ts';

type OfProject = { Params: { project: string } };
type OfSecret = { Params: { project: string; secret: string } };

const secretSchema = z.looseObject({ labels: z.record(z.string(), z.string()).nullish() });

/** What a secret can have there and not here: taken in silence, somebody would rely on it. */
const UNSUPPORTED: Record<string, string> = {
  ttl: 'Delete it when its time is over: slipway secret delete NAME.',
  expireTime: 'Delete it when its time is over: slipway secret delete NAME.',
  rotation: 'Add a version when it is time: slipway secret add NAME.',
  topics: 'slipway secret audit tells what happened.',
  versionAliases: 'Name versions by their number, or latest.',
  versionDestroyTtl: 'Disable a version before you destroy it.',
  annotations: 'Use labels.',
  customerManagedEncryption: 'Values are encrypted with the key file of the data folder.',
};

/** projects.secrets. */
export function secretRoutes(door: FastifyInstance, deps: SecretManagerDeps): void {
  door.get<OfProject & { Querystring: PageQuery }>('/v1/projects/:project/secrets', async (request) => {
    const { project } = await authorised(request, 'reader', deps);
    const { page, rest } = pageOf(await deps.secrets.list(project), request.query, fieldsOf);
    const answer: { secrets?: WireSecret[] } & WirePage = rest;
    return page.length === 0 ? answer : { secrets: page.map(wireSecret), ...answer };
  });

  door.post<OfProject & { Querystring: { secretId?: string } }>('/v1/projects/:project/secrets', async (request) => {
    const { project, actor } = await authorisedToChange(request, deps);
    const name = { project, secret: request.query.secretId ?? '' };
    const sent = secretSchema.safeParse(request.body);
    if (!sent.success) throw new Problem('invalid', 'Invalid JSON payload received. labels are texts by name.');
    const { replication, labels, ...more } = sent.data;
    if (JSON.stringify(replication)?.includes('customerManagedEncryption')) refuse('customerManagedEncryption');
    for (const [field, value] of Object.entries(more)) if (field in UNSUPPORTED && !isEmpty(value)) refuse(field);
    if ((await deps.secrets.get(name)) !== undefined)
      throw new GoogleError(409, 'ALREADY_EXISTS', `Secret [${secretPath(name)}] already exists.`);
    return wireSecret(await deps.secrets.create(name, actor, labels ?? {}));
  });

  door.get<OfSecret>('/v1/projects/:project/secrets/:secret', async (request) => {
    const { project } = await authorised(request, 'reader', deps);
    const info = await deps.secrets.get({ project, secret: request.params.secret });
    if (info === undefined) throw missing(project, request.params.secret);
    return wireSecret(info);
  });

  door.delete<OfSecret>('/v1/projects/:project/secrets/:secret', async (request) => {
    const { project, actor } = await authorisedToChange(request, deps);
    const { secret } = request.params;
    if (!(await deps.secrets.remove({ project, secret }, actor))) throw missing(project, secret);
    return {};
  });

  door.patch<OfSecret>('/v1/projects/:project/secrets/:secret', async (request) => {
    await authorisedToChange(request, deps);
    throw new Problem('unsupported', 'a secret cannot be changed on this server', {
      hint: 'Labels are given when it is created; its value changes by a new version.',
    });
  });
}

/** gcloud sends every field that it knows. */
function isEmpty(value: unknown): boolean {
  return value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);
}

function refuse(field: string): never {
  throw new Problem('unsupported', `secret.${field} is not supported by this server`, { hint: UNSUPPORTED[field] });
}

/** What a filter can ask for. */
function fieldsOf({ secret, labels }: SecretInfo): Record<string, string> {
  const named = Object.entries(labels).map(([key, value]) => [`labels.${key}`, value]);
  return { name: secret, ...Object.fromEntries(named) };
}

/** As the API says it, with the name, and what to do. */
function missing(project: string, secret: string): Problem {
  return new Problem('not-found', `Secret [${secretPath({ project, secret })}] not found.`, {
    hint: `slipway secret create ${secret} --project ${project} makes it.`,
  });
}
