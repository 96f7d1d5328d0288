import type { FastifyInstance } from 'fastify';
import { may } from '../../auth/identity.ts';
import { type Digest, isDigest } from '../../images/digest.ts';
import { timestamp } from '../../lib/clock.ts';
import { Problem } from '../../lib/problem.ts';
import { parseRepositoryKey } from '../../stores/registry/name.ts';
import type { RegistryVersion } from '../../stores/registry/registry.ts';
import { repositoryPath } from '../../stores/repositories/repository.ts';
import { NOT_FOUND } from '../http/google-errors.ts';
import { type ArtifactsDeps, keyOf, type Names, pageSize, REPOSITORIES, requireRepository } from './call.ts';
import { ImageSizes } from './image-size.ts';
import { doneOperation } from './operations.ts';
import { repositoryName } from './repository-json.ts';
import { wireTag } from './tags.ts';
import type { WireDockerImage, WireVersion } from './wire.ts';

type Paged = { Querystring: { pageSize?: string; pageToken?: string } };
type OfRepository = { Params: Omit<Names, 'package'> };
type OfPackage = { Params: Names };
type OfVersion = { Params: Names & { version: string } };

/** Images (Artifact Registry's packages) and their versions, in both of its views. */
export function versionRoutes(door: FastifyInstance, deps: ArtifactsDeps): void {
  const sizes = new ImageSizes(deps.content);
  for (const base of REPOSITORIES) {
    dockerImages(door, base, deps, sizes);
    packages(door, base, deps);
    versions(door, base, deps, sizes);
  }
}

function dockerImages(door: FastifyInstance, base: string, deps: ArtifactsDeps, sizes: ImageSizes): void {
  door.get<OfRepository & Paged>(`${base}/:repository/dockerImages`, async (request) => {
    const { repository, identity } = await requireAny(request, deps);
    const host = `${repository.location}-docker.pkg.dev/${repository.project}/${repository.repository}`;
    const limit = pageSize(request.query.pageSize);
    const found: WireDockerImage[] = [];
    let [image, digest] = splitToken(request.query.pageToken);
    for await (const name of images(`${repositoryPath(repository)}/`, image, deps)) {
      if (name !== image) digest = '';
      image = name;
      if (!repository.anonymousPull && !may(identity, 'reader', repository.project, repository.repository, name))
        continue;
      const page = await deps.registry.versions(`${repositoryPath(repository)}/${name}`, {
        after: digest,
        limit: limit - found.length + 1,
      });
      for (const version of page) {
        if (found.length === limit) return { dockerImages: found, nextPageToken: `${name}@${digest}` };
        digest = version.digest;
        found.push({
          name: `${repositoryName(repository)}/dockerImages/${encodeURIComponent(name)}@${digest}`,
          uri: `${host}/${name}@${digest}`,
          ...(version.tags.length === 0 ? {} : { tags: version.tags }),
          imageSizeBytes: String(await sizes.of(version)),
          mediaType: version.mediaType,
          ...times(version),
        });
      }
    }
    return { dockerImages: found };
  });
}

function packages(door: FastifyInstance, base: string, deps: ArtifactsDeps): void {
  door.get<OfRepository & Paged>(`${base}/:repository/packages`, async (request) => {
    const { repository, identity } = await requireAny(request, deps);
    const limit = pageSize(request.query.pageSize);
    const names: string[] = [];
    for await (const name of images(`${repositoryPath(repository)}/`, request.query.pageToken ?? '', deps)) {
      if (name === request.query.pageToken) continue;
      if (!repository.anonymousPull && !may(identity, 'reader', repository.project, repository.repository, name))
        continue;
      if (names.length === limit) return { packages: names.map(wire), nextPageToken: names.at(-1) };
      names.push(name);
    }
    return { packages: names.map(wire) };
    function wire(name: string) {
      return { name: `${repositoryName(repository)}/packages/${encodeURIComponent(name)}` };
    }
  });

  door.get<OfPackage>(`${base}/:repository/packages/:package`, async (request) => {
    const { repository } = await requireRepository(request, 'reader', deps);
    if (!(await deps.registry.exists(keyOf(request.params)))) throw new Problem('not-found', NOT_FOUND);
    return { name: `${repositoryName(repository)}/packages/${encodeURIComponent(request.params.package)}` };
  });

  door.delete<OfPackage>(`${base}/:repository/packages/:package`, async (request) => {
    const { identity, repository } = await requireRepository(request, 'admin', deps);
    const key = keyOf(request.params);
    if (!(await deps.registry.exists(key))) throw new Problem('not-found', NOT_FOUND);
    // all of it or nothing: half an image would be left
    const [tag] = repository.immutableTags ? await deps.registry.tags(key, { limit: 1 }) : [];
    if (tag !== undefined)
      throw new Problem('conflict', `${request.params.package} has the immutable tag ${tag.name}`, {
        hint: 'What an immutable tag is on can not be deleted (immutableTags of the repository).',
      });
    for (;;) {
      const [version] = await deps.registry.manifests(key, { limit: 1 });
      if (version === undefined) return doneOperation(request.params, undefined);
      await deps.registry.deleteManifest(key, version.digest, identity.name);
    }
  });
}

function versions(door: FastifyInstance, base: string, deps: ArtifactsDeps, sizes: ImageSizes): void {
  const wire = async (names: Names, version: RegistryVersion): Promise<WireVersion> => {
    const name = `${repositoryName(names)}/packages/${encodeURIComponent(names.package)}/versions/${version.digest}`;
    const image = `${repositoryName(names)}/dockerImages/${encodeURIComponent(names.package)}@${version.digest}`;
    return {
      name,
      ...wireTimes(version),
      ...(version.tags.length === 0
        ? {}
        : { relatedTags: version.tags.map((tag) => wireTag(names, { name: tag, digest: version.digest })) }),
      metadata: { name: image, imageSizeBytes: String(await sizes.of(version)), mediaType: version.mediaType },
    };
  };

  door.get<OfPackage & Paged>(`${base}/:repository/packages/:package/versions`, async (request) => {
    await requireRepository(request, 'reader', deps);
    const key = keyOf(request.params);
    if (!(await deps.registry.exists(key))) throw new Problem('not-found', NOT_FOUND);
    const limit = pageSize(request.query.pageSize);
    const found = await deps.registry.versions(key, { after: request.query.pageToken ?? '', limit: limit + 1 });
    const page = found.slice(0, limit);
    const versions: WireVersion[] = [];
    // one after the other: a thousand manifests of 4 MB are not read at once
    for (const version of page) versions.push(await wire(request.params, version));
    return {
      versions,
      ...(found.length > limit ? { nextPageToken: page.at(-1)?.digest } : {}),
    };
  });

  door.get<OfVersion>(`${base}/:repository/packages/:package/versions/:version`, async (request) => {
    await requireRepository(request, 'reader', deps);
    const digest = digestOf(request.params.version);
    const key = keyOf(request.params);
    const stored = await deps.registry.manifest(key, digest);
    if (stored === undefined) throw new Problem('not-found', NOT_FOUND);
    return wire(request.params, { ...stored, tags: await deps.registry.tagsOf(key, digest), children: [] });
  });

  door.delete<OfVersion>(`${base}/:repository/packages/:package/versions/:version`, async (request) => {
    const { identity } = await requireRepository(request, 'admin', deps);
    const digest = digestOf(request.params.version);
    const key = keyOf(request.params);
    // as Artifact Registry: what has tags goes only with `force`, or once they are gone
    const tags = await deps.registry.tagsOf(key, digest);
    if (tags.length > 0 && (request.query as { force?: string }).force !== 'true')
      throw new Problem('conflict', `version ${digest} has tags: ${tags.slice(0, 10).join(', ')}`, {
        hint: 'gcloud artifacts docker images delete ... --delete-tags removes them as well.',
      });
    if (!(await deps.registry.deleteManifest(key, digest, identity.name))) throw new Problem('not-found', NOT_FOUND);
    return doneOperation(request.params, undefined);
  });
}

/** A repository of which the caller may read at least a part. */
async function requireAny(request: Parameters<typeof requireRepository>[0], deps: ArtifactsDeps) {
  return requireRepository(request, 'reader', deps, 'part');
}

/** Names of the images below `prefix`, from `from` on, in byte order. */
async function* images(prefix: string, from: string, deps: ArtifactsDeps): AsyncGenerator<string> {
  if (from !== '' && (await deps.registry.exists(prefix + from))) yield from;
  let after = from === '' ? undefined : prefix + from;
  for (;;) {
    const keys = await deps.registry.repositories({ after, limit: KEYS_AT_ONCE }, prefix);
    for (const key of keys) yield parseRepositoryKey(key).image;
    if (keys.length < KEYS_AT_ONCE) return;
    after = keys.at(-1);
  }
}

const KEYS_AT_ONCE = 500;

function splitToken(token = ''): [image: string, digest: string] {
  const at = token.indexOf('@');
  return at < 0 ? ['', ''] : [token.slice(0, at), token.slice(at + 1)];
}

function digestOf(text: string): Digest {
  if (isDigest(text)) return text;
  throw new Problem('not-found', NOT_FOUND);
}

function times({ createdAt, renewedAt }: RegistryVersion) {
  return { uploadTime: timestamp(createdAt), updateTime: timestamp(renewedAt) };
}

function wireTimes({ createdAt, renewedAt }: RegistryVersion) {
  return { createTime: timestamp(createdAt), updateTime: timestamp(renewedAt) };
}
