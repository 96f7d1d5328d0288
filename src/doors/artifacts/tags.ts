import type { FastifyInstance } from 'fastify';
import type { Digest } from '../../images/digest.ts';
import { isDigest } from '../../images/digest.ts';
import { isTag } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import { GoogleError, NOT_FOUND } from '../http/google-errors.ts';
import { type ArtifactsDeps, keyOf, type Names, pageSize, REPOSITORIES, requireRepository } from './call.ts';
import { readJson, tagSchema } from './read-json.ts';
import { repositoryName } from './repository-json.ts';
import type { WireTag } from './wire.ts';

type OfPackage = { Params: Names };
type OfTag = { Params: Names & { tag: string } };

/** Tags of an image: list (all, or those of one version), get, create, move, delete. */
export function tagRoutes(door: FastifyInstance, deps: ArtifactsDeps): void {
  for (const base of REPOSITORIES) {
    const tags = `${base}/:repository/packages/:package/tags`;
    read(door, tags, deps);
    write(door, tags, deps);
  }
}

export function wireTag(names: Names, { name, digest }: { name: string; digest: Digest }): WireTag {
  const image = `${repositoryName(names)}/packages/${encodeURIComponent(names.package)}`;
  return { name: `${image}/tags/${name}`, version: `${image}/versions/${digest}` };
}

function read(door: FastifyInstance, tags: string, deps: ArtifactsDeps): void {
  door.get<OfPackage & { Querystring: { filter?: string; pageSize?: string; pageToken?: string } }>(
    tags,
    async (request) => {
      await requireRepository(request, 'reader', deps);
      const key = keyOf(request.params);
      if (!(await deps.registry.exists(key))) throw new Problem('not-found', NOT_FOUND);
      const { filter, pageToken } = request.query;
      if (filter !== undefined && filter !== '') {
        const digest = versionOf(/^version\s*=\s*"([^"]*)"$/.exec(filter)?.[1]);
        const named = await deps.registry.tagsOf(key, digest);
        return { tags: named.map((name) => wireTag(request.params, { name, digest })) };
      }
      const limit = pageSize(request.query.pageSize);
      const found = await deps.registry.tags(key, { after: pageToken ?? '', limit: limit + 1 });
      const page = found.slice(0, limit);
      return {
        tags: page.map((tag) => wireTag(request.params, tag)),
        ...(found.length > limit ? { nextPageToken: page.at(-1)?.name } : {}),
      };
    },
  );

  door.get<OfTag>(`${tags}/:tag`, async (request) => {
    await requireRepository(request, 'reader', deps);
    const { tag } = request.params;
    const stored = isTag(tag) ? await deps.registry.manifest(keyOf(request.params), tag) : undefined;
    if (stored === undefined) throw new Problem('not-found', NOT_FOUND);
    return wireTag(request.params, { name: tag, digest: stored.digest });
  });
}

function write(door: FastifyInstance, tags: string, deps: ArtifactsDeps): void {
  const set = async (names: Names, tag: string, version: string | undefined, actor: string): Promise<WireTag> => {
    if (!isTag(tag)) throw new Problem('invalid', `invalid tag ${JSON.stringify(tag.slice(0, 130))}`);
    const digest = versionOf(version);
    if (!(await deps.registry.setTag(keyOf(names), tag, digest, actor)))
      throw new Problem('not-found', `${NOT_FOUND} (version ${digest})`);
    return wireTag(names, { name: tag, digest });
  };

  door.post<OfPackage & { Querystring: { tagId?: string } }>(tags, async (request) => {
    const { identity } = await requireRepository(request, 'writer', deps);
    const { tagId = '' } = request.query;
    if (isTag(tagId) && (await deps.registry.manifest(keyOf(request.params), tagId)) !== undefined)
      throw new GoogleError(409, 'ALREADY_EXISTS', `the tag ${tagId} already exists`);
    return set(request.params, tagId, readJson(tagSchema, request.body).version, identity.name);
  });

  door.patch<OfTag>(`${tags}/:tag`, async (request) => {
    const { identity } = await requireRepository(request, 'writer', deps);
    return set(request.params, request.params.tag, readJson(tagSchema, request.body).version, identity.name);
  });

  // gcloud moves a tag by deleting and making it, so whoever may push may do this; versions only an admin deletes
  door.delete<OfTag>(`${tags}/:tag`, async (request) => {
    const { identity } = await requireRepository(request, 'writer', deps);
    if (!(await deps.registry.deleteTag(keyOf(request.params), request.params.tag, identity.name)))
      throw new Problem('not-found', NOT_FOUND);
    return {};
  });
}

/** The digest at the end of a version's full name. */
function versionOf(name = ''): Digest {
  const digest = name.slice(name.lastIndexOf('/') + 1);
  if (isDigest(digest)) return digest;
  throw new Problem('invalid', `version: ${JSON.stringify(name.slice(0, 200))} is no version's name`);
}
