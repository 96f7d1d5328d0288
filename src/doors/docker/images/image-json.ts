import type { ShelfImage } from '../../../engine/local/shelf.ts';
import type { ImageConfig, RunConfig } from '../../../images/config.ts';
import { familiarName, parseReference } from '../../../images/reference.ts';
import { timestamp } from '../../../lib/clock.ts';

/** From 1.43 on an image without a name has empty lists, before it was called `<none>`. */
const EMPTY_LISTS_SINCE = 43;

/** Fields of docker's configs that nobody but docker writes; they are shown as they came. */
interface DockerConfig extends ImageConfig {
  comment?: string;
  container?: string;
  docker_version?: string;
  container_config?: RunConfig;
}

/** One of `docker images`. @param tags those that are shown */
export function imageSummary(image: ShelfImage, tags: readonly string[], sharedSize: number, version: number): object {
  const digests = image.digests.map(familiar);
  const isNameless = tags.length + digests.length === 0;
  const names = (list: readonly string[], none: string) => {
    if (version >= EMPTY_LISTS_SINCE || list.length > 0) return list;
    return isNameless ? [none] : null;
  };
  return {
    Containers: -1,
    Created: createdSeconds(image.config.created),
    Id: image.id,
    Labels: image.config.config?.Labels ?? null,
    ParentId: image.parent ?? '',
    RepoDigests: names(digests, '<none>@<none>'),
    RepoTags: names(tags.map(familiar), '<none>:<none>'),
    SharedSize: sharedSize,
    Size: image.size,
    VirtualSize: image.size,
  };
}

/** `docker image inspect`. */
export function imageDetails(image: ShelfImage): object {
  const config: DockerConfig = image.config;
  const { architecture, variant, os, author, created } = config;
  return {
    Id: image.id,
    RepoTags: image.tags.map(familiar),
    RepoDigests: image.digests.map(familiar),
    Parent: image.parent ?? '',
    Comment: config.comment || (config.history?.at(-1)?.comment ?? ''),
    Created: created ?? timestamp(0),
    Container: config.container ?? '',
    ContainerConfig: wholeConfig(config.container_config ?? {}),
    DockerVersion: config.docker_version ?? '',
    Author: author ?? '',
    Config: wholeConfig(config.config ?? {}),
    Architecture: architecture,
    ...(variant === undefined ? {} : { Variant: variant }),
    Os: os,
    ...(config['os.version'] === undefined ? {} : { OsVersion: config['os.version'] }),
    Size: image.size,
    VirtualSize: image.size,
    GraphDriver: { Data: null, Name: 'overlay2' },
    RootFS: { Type: 'layers', Layers: image.layers.map(({ diffID }) => diffID) },
    Metadata: { LastTagTime: image.tags.length === 0 ? '0001-01-01T00:00:00Z' : timestamp(image.at) },
  };
}

/** Every field that docker's clients expect of a config, in docker's order. */
function wholeConfig(config: RunConfig): object {
  const { User, ExposedPorts, Env, Cmd, Healthcheck, ArgsEscaped, Volumes, WorkingDir, Entrypoint, OnBuild } = config;
  const { Labels, StopSignal, Shell } = config;
  return {
    Hostname: '',
    Domainname: '',
    User: User ?? '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(ExposedPorts === undefined ? {} : { ExposedPorts }),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: Env ?? null,
    Cmd: Cmd ?? null,
    ...(Healthcheck === undefined ? {} : { Healthcheck }),
    ...(ArgsEscaped === undefined ? {} : { ArgsEscaped }),
    Image: '',
    Volumes: Volumes ?? null,
    WorkingDir: WorkingDir ?? '',
    Entrypoint: Entrypoint ?? null,
    OnBuild: OnBuild ?? null,
    Labels: Labels ?? null,
    ...(StopSignal === undefined ? {} : { StopSignal }),
    ...(Shell === undefined ? {} : { Shell }),
  };
}

/** Seconds since 1970; 0 when nobody says. */
export function createdSeconds(created: string | undefined): number {
  const ms = Date.parse(created ?? '');
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000);
}

export function familiar(name: string): string {
  return familiarName(parseReference(name));
}
