import { formatReference, parseReference } from '../../images/reference.ts';
import { isOwnHost, type OwnNames } from '../../stores/registry/name.ts';

/** Groups of builder images at gcr.io; each is a repository of the same name here. */
const GROUPS = ['cloud-builders', 'cloudsdktool', 'kaniko-project', 'k8s-skaffold', 'buildpacks'];

/**
 * Where the team's own copy of a builder image is looked for before anybody else is asked: `gcr.io/cloud-builders/npm:x` is
 * `LOCATION-docker.pkg.dev/PROJECT/cloud-builders/npm:x`, the tag as it was asked for. Empty for all other images.
 * @param projects in the order in which they are looked at
 */
export function ownCopies(image: string, projects: readonly string[], own: OwnNames): string[] {
  const { host, repository, tag, digest } = parseReference(image);
  if (host !== 'gcr.io') return [];
  const [group = '', ...rest] = repository.replace(/^google\.com\//, '').split('/');
  if (!GROUPS.includes(group) || rest.length === 0) return [];
  const version = { ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
  return projects.map((project) =>
    formatReference({ host: ownHost(own), repository: [project, group, ...rest].join('/'), ...version }),
  );
}

/** Where a copy of any image would be put. */
export function placeForCopy(image: string, project: string, own: OwnNames): string {
  const [copy] = ownCopies(image, [project], own);
  if (copy !== undefined) return copy;
  const { repository, tag } = parseReference(image);
  const name = repository.split('/').at(-1) ?? repository;
  return formatReference({ host: ownHost(own), repository: `${project}/builders/${name}`, ...(tag && { tag }) });
}

/** Google's name for us where we are that, else our own address. */
function ownHost(own: OwnNames): string {
  const google = `${own.defaultLocation}-docker.pkg.dev`;
  return isOwnHost(google, own) ? google : (own.hosts.find((host) => !host.includes('*')) ?? google);
}
