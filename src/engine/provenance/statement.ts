import type { Descriptor } from '../../images/descriptor.ts';
import { type Digest, digestHex } from '../../images/digest.ts';
import { formatPlatform, type Platform } from '../../images/platform.ts';
import { familiarName, parseReference } from '../../images/reference.ts';
import { timestamp } from '../../lib/clock.ts';
import type { ImageBuildRequest } from '../request.ts';
import { withoutPassword } from '../sources/shown-url.ts';
import type { Material } from './materials.ts';

/** How externalParameters of ours are to be read (docs/outputs.md). Raised when their meaning changes. */
const BUILD_TYPE = 'urn:slipway:build:dockerfile:v1';
const BUILDER = 'urn:slipway:engine';

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1';

export interface ProvenanceFacts {
  detail: 'min' | 'max';
  manifest: Descriptor;
  /** Whole references. */
  names: readonly string[];
  request: Pick<ImageBuildRequest, 'context' | 'buildArgs' | 'labels' | 'noCache' | 'network' | 'allow'>;
  dockerfile: { name: string; digest: Digest };
  /** The stage that was built. */
  target: string;
  platform: Platform;
  buildPlatform: Platform;
  materials: readonly Material[];
  layers: readonly { digest: Digest; text: string }[];
  /** Of this run alone. */
  invocation: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  finishedAt: number;
}

/**
 * How an image came about, as an in-toto statement with SLSA's provenance predicate v1. Values of secrets are never known
 * here; build arguments may be confidential too, so they, labels and layers are only said in full detail.
 */
export function provenanceStatement(facts: ProvenanceFacts): object {
  const { detail, manifest, names, request, dockerfile, target, platform, materials } = facts;
  const digest = { sha256: digestHex(manifest.digest) };
  const subjects = names.length === 0 ? [{ name: manifest.digest }] : names.map((name) => ({ name: shown(name) }));
  const { context } = request;
  return {
    _type: STATEMENT_TYPE,
    subject: subjects.map((subject) => ({ ...subject, digest })),
    predicateType: PREDICATE_TYPE,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: {
          dockerfile: { path: dockerfile.name, digest: { sha256: digestHex(dockerfile.digest) } },
          context: context.kind === 'url' ? { kind: 'url', url: withoutPassword(context.url) } : { kind: context.kind },
          target,
          platform: formatPlatform(platform),
          noCache: request.noCache,
          network: request.network.kind,
          ...(request.allow === undefined || request.allow.length === 0 ? {} : { allow: request.allow }),
          ...(detail === 'max' ? { buildArgs: request.buildArgs, labels: request.labels } : {}),
        },
        internalParameters: { builderPlatform: formatPlatform(facts.buildPlatform) },
        resolvedDependencies: materials,
      },
      runDetails: {
        builder: { id: BUILDER },
        metadata: {
          invocationId: facts.invocation,
          startedOn: timestamp(facts.startedAt),
          finishedOn: timestamp(facts.finishedAt),
        },
        ...(detail === 'max' ? { byproducts: facts.layers.map(byproduct) } : {}),
      },
    },
  };
}

function shown(name: string): string {
  return familiarName(parseReference(name));
}

function byproduct(layer: { digest: Digest; text: string }): object {
  return {
    name: layer.text,
    mediaType: 'application/vnd.oci.image.layer',
    digest: { sha256: digestHex(layer.digest) },
  };
}
