import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Problem } from '../../lib/problem.ts';
import { crc32c } from '../../stores/buckets/crc32c.ts';
import { parseVersion, versionName } from '../../stores/secrets/secret-names.ts';
import type { SecretName, SecretState, SecretVersion } from '../../stores/secrets/secrets.ts';
import { NOT_FOUND } from '../http/google-errors.ts';
import { authorised, authorisedToChange, type SecretManagerDeps } from './call.ts';
import { type PageQuery, pageOf } from './pages.ts';
import { type WireAccess, type WirePage, type WireVersion, wireVersion } from './wire.ts';

type OfSecret = { Params: { project: string; secret: string } };
type OfVersion = { Params: { project: string; secret: string; version: string } };

const VERSIONS = '/v1/projects/:project/secrets/:secret/versions';
const STATES: Record<string, SecretState> = { enable: 'ENABLED', disable: 'DISABLED', destroy: 'DESTROYED' };

const addSchema = z.object({
  payload: z.object({
    data: z.string().optional(),
    dataCrc32c: z.union([z.string(), z.int().transform(String)]).nullish(),
  }),
});

/** projects.secrets.versions, and the verbs of a secret that make and give values. */
export function versionRoutes(door: FastifyInstance, deps: SecretManagerDeps): void {
  door.post<OfSecret>('/v1/projects/:project/secrets/:secret', async (request): Promise<WireVersion> => {
    const { project, actor } = await authorisedToChange(request, deps);
    // `NAME:addVersion` is one path segment with the verb behind the colon
    const [secret = '', verb] = request.params.secret.split(':');
    if (verb === 'setIamPolicy')
      throw new Problem('unsupported', 'a secret has no policy of its own on this server', {
        hint: 'Whoever may write in the project reads its secrets: slipway token create --role writer --project P.',
      });
    if (verb !== 'addVersion') throw new Problem('not-found', NOT_FOUND);
    const { payload, checked } = payloadOf(request.body);
    const version = await deps.secrets.addVersion({ project, secret }, payload, actor);
    return { ...wireVersion(version), ...(checked ? { clientSpecifiedPayloadChecksum: true } : {}) };
  });

  door.get<OfSecret & { Querystring: PageQuery }>(VERSIONS, async (request) => {
    const { project } = await authorised(request, 'reader', deps);
    const all = await deps.secrets.versions({ project, secret: request.params.secret });
    const { page, rest } = pageOf(all, request.query, (version) => ({ state: version.state }));
    const answer: { versions?: WireVersion[] } & WirePage = rest;
    return page.length === 0 ? answer : { versions: page.map(wireVersion), ...answer };
  });

  door.get<OfVersion>(`${VERSIONS}/:version`, async (request): Promise<WireVersion | WireAccess> => {
    const [version, verb] = splitVerb(request.params.version);
    if (verb !== undefined && verb !== 'access') throw new Problem('not-found', NOT_FOUND);
    const { project, actor } = await authorised(request, verb === 'access' ? 'writer' : 'reader', deps);
    const name = { project, secret: request.params.secret };
    if (verb === undefined) return wireVersion(await versionOf(name, version, deps));
    const { version: number, payload } = await deps.secrets.access(name, version, actor);
    const dataCrc32c = checksumOf(Buffer.from(payload, 'base64'));
    return { name: versionName(name, number), payload: { data: payload, dataCrc32c } };
  });

  door.post<OfVersion>(`${VERSIONS}/:version`, async (request): Promise<WireVersion> => {
    const { project, actor } = await authorisedToChange(request, deps);
    const [version, verb = ''] = splitVerb(request.params.version);
    const state = STATES[verb];
    if (state === undefined) throw new Problem('not-found', NOT_FOUND);
    const name = { project, secret: request.params.secret };
    const { version: number } = await versionOf(name, version, deps);
    return wireVersion(await deps.secrets.setState(name, number, state, actor));
  });
}

function splitVerb(text: string): [version: number | 'latest', verb: string | undefined] {
  const [version = '', verb] = text.split(':');
  return [parseVersion(version), verb];
}

async function versionOf(
  name: SecretName,
  version: number | 'latest',
  { secrets }: SecretManagerDeps,
): Promise<SecretVersion> {
  const all = await secrets.versions(name);
  const found = version === 'latest' ? all[0] : all.find((each) => each.version === version);
  if (found !== undefined) return found;
  throw new Problem('not-found', `Secret Version [${versionName(name, version)}] not found.`);
}

/** As the API writes it: unsigned and decimal. */
function checksumOf(bytes: Uint8Array): string {
  return String(crc32c(bytes) >>> 0);
}

/** @throws Problem `invalid`; no word of the value is in it */
function payloadOf(body: unknown): { payload: string; checked: boolean } {
  const sent = addSchema.safeParse(body);
  if (!sent.success)
    throw new Problem('invalid', 'Invalid JSON payload received. payload.data is the value in base64.');
  const { data = '', dataCrc32c } = sent.data.payload;
  const text = data.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== text)
    throw new Problem('invalid', 'Invalid JSON payload received. payload.data is no base64.');
  const checked = dataCrc32c !== undefined && dataCrc32c !== null;
  if (checked && dataCrc32c !== checksumOf(bytes))
    throw new Problem('invalid', 'The payload does not have the checksum that was sent with it.', {
      hint: 'It was damaged on its way: send it again.',
    });
  return { payload: bytes.toString('base64'), checked };
}
