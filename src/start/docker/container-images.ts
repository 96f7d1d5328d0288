import type { ContainerImageConfig, ContainerImages } from '../../containers/container-images.ts';
import type { DockerClient } from '../../doors/docker/call.ts';
import type { Caller, Engine } from '../../engine/engine.ts';
import type { RunConfig } from '../../images/config.ts';

/** Root file systems for the containers of a scope, from its engine. */
export function containerImages(engine: Engine, { scope, project, actor }: DockerClient): ContainerImages {
  const caller = (signal: AbortSignal): Caller => ({ scope, project, actor, signal });
  const always = new AbortController().signal;
  return {
    async rootfs(name, signal) {
      const { id, lowers, config, release } = await engine.shelf.rootfs(name, caller(signal));
      return { id, lowers, config: runConfig(config.config ?? {}), release };
    },
    keep: (container, image) => engine.shelf.keepFor(container, image, caller(always)),
    release: (container) => engine.shelf.releaseFrom(container, caller(always)),
  };
}

function runConfig(config: RunConfig): ContainerImageConfig {
  return {
    entrypoint: config.Entrypoint ?? [],
    command: config.Cmd ?? [],
    env: config.Env ?? [],
    cwd: config.WorkingDir ?? '',
    user: config.User ?? '',
    labels: config.Labels ?? {},
    volumes: Object.keys(config.Volumes ?? {}),
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    stopSignal: config.StopSignal,
  };
}
