import { type Digest, digestHex } from '../../images/digest.ts';
import { formatPlatform, type Platform } from '../../images/platform.ts';
import { parseReference, withDefaultTag } from '../../images/reference.ts';

/** Something that a build took in: SLSA v1, ResourceDescriptor. */
export interface Material {
  uri: string;
  /** By algorithm: `sha256`, `gitCommit`. */
  digest: Record<string, string>;
}

/** What went into a build from elsewhere, each thing once, in the order in which it was asked for. */
export class Materials {
  readonly #found = new Map<string, Material>();

  note(material: Material): void {
    this.#found.set(JSON.stringify([material.uri, material.digest]), material);
  }

  /** A base image, or one that COPY --from or a mount names. */
  noteImage(reference: string, digest: Digest, platform: Platform): void {
    this.note({ uri: packageUrl(reference, platform), digest: { sha256: digestHex(digest) } });
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
