import { type Digest, digestHex } from '../../images/digest.ts';
import { formatPlatform, type Platform } from '../../images/platform.ts';
import { parseReference, withDefaultTag } from '../../images/reference.ts';
import { withoutPassword } from '../sources/shown-url.ts';

/** Something that a build took in: SLSA v1, ResourceDescriptor. */
export interface Material {
  uri: string;
  /** By algorithm: `sha256`, `gitCommit`. */
  digest: Record<string, string>;
}

/** What went into a build from elsewhere, each thing once, in the order in which it was asked for. */
export class Materials {
  readonly #found = new Map<string, Material>();

  /** A base image, or one that COPY --from or a mount names. */
  noteImage(reference: string, digest: Digest, platform: Platform): void {
    const uri = packageUrl(reference, platform);
    this.#found.set(uri, { uri, digest: { sha256: digestHex(digest) } });
  }

  /** A file behind an address; fetched again, the later bytes are those that were used. */
  noteFile(uri: string, digest: Digest): void {
    this.#found.set(uri, { uri, digest: { sha256: digestHex(digest) } });
  }

  /** A commit of a repository, as SPDX writes its address. */
  noteCommit(remote: string, commit: string): void {
    const uri = `git+${withoutPassword(remote)}@${commit}`;
    this.#found.set(uri, { uri, digest: { gitCommit: commit } });
  }

  get list(): Material[] {
    return [...this.#found.values()];
  }
}

/** The package URL of an image, as BuildKit writes it: `pkg:docker/debian@12?platform=linux%2Famd64`. */
function packageUrl(name: string, platform: Platform): string {
  const { host, repository, tag } = withDefaultTag(parseReference(name));
  const path = host === 'docker.io' ? repository.replace(/^library\//, '') : `${host}/${repository}`;
  const version = tag === undefined ? '' : `@${tag}`;
  return `pkg:docker/${path}${version}?platform=${encodeURIComponent(formatPlatform(platform))}`;
}
