import { createHash } from 'node:crypto';

/** What the metadata server of a build tells of it. */
export interface MetadataFacts {
  buildId: string;
  project: string;
  projectNumber: string;
  /** `europe-central2`; builds that name no region are in `global`. */
  location: string;
  /** Of the build's identity. */
  email: string;
}

/** A folder of values; what ends a path is text. */
export interface MetadataFolder {
  readonly [name: string]: string | readonly string[] | MetadataFolder;
}

export const SCOPES = ['https://www.googleapis.com/auth/cloud-platform'];

/**
 * Everything below `/computeMetadata/v1/` but tokens, as Compute Engine names it. Lists are lines; the same account stands
 * under its address and as `default`.
 */
export function metadataTree(facts: MetadataFacts): MetadataFolder {
  const { buildId, project, projectNumber, location, email } = facts;
  const account = (aliases: readonly string[]) => ({ aliases, email, scopes: SCOPES });
  const zone = `${location}-a`;
  return {
    instance: {
      attributes: {},
      hostname: `build-${buildId}.c.${project}.internal`,
      id: String(createHash('sha256').update(buildId).digest().readBigUInt64BE() >> 1n),
      name: `build-${buildId}`,
      region: `projects/${projectNumber}/regions/${location}`,
      'service-accounts': { default: account(['default']), [email]: account(['default']) },
      zone: `projects/${projectNumber}/zones/${zone}`,
    },
    project: { attributes: {}, 'numeric-project-id': projectNumber, 'project-id': project },
    universe: { 'universe-domain': 'googleapis.com' },
  };
}

/** Undefined when there is nothing of that path. */
export function lookUp(tree: MetadataFolder, path: readonly string[]): MetadataFolder[string] | undefined {
  let at: MetadataFolder[string] = tree;
  for (const name of path) {
    if (!isFolder(at) || !Object.hasOwn(at, name)) return undefined;
    at = at[name] as MetadataFolder[string];
  }
  return at;
}

export function isFolder(value: MetadataFolder[string]): value is MetadataFolder {
  return typeof value === 'object' && !Array.isArray(value);
}

/** One entry in a line, folders with a slash behind. */
export function asListing(folder: MetadataFolder): string {
  return Object.entries(folder)
    .map(([name, value]) => `${name}${isFolder(value) ? '/' : ''}\n`)
    .join('');
}

/** `?recursive=true`: names as JSON has them (`projectId`), numbers of a project as numbers. */
export function asJson(value: MetadataFolder[string]): unknown {
  if (!isFolder(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, below]) => [
      name.replace(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
      name === 'numeric-project-id' ? Number(below) : asJson(below),
    ]),
  );
}
