import type { Digest } from '../images/digest.ts';

/** Where root file systems come from: the engine, one room above. */
export interface ContainerImages {
  /**
   * @param name as a person gives it, ids and layers included; local ones only
   * @throws Problem `not-found`: `No such image: NAME:TAG`
   */
  rootfs(name: string, signal: AbortSignal): Promise<ContainerImage>;
  /** The image of a container may not be collected as long as the container is there. */
  keep(container: string, image: Digest): Promise<void>;
  release(container: string): Promise<void>;
}

export interface ContainerImage {
  id: Digest;
  lowers: string[];
  config: ContainerImageConfig;
  /** The folders may go; until then they stay. */
  release(): Promise<void>;
}

export interface ContainerImageConfig {
  entrypoint: string[];
  command: string[];
  env: string[];
  cwd: string;
  user: string;
  labels: Record<string, string>;
  volumes: string[];
  exposedPorts: string[];
  stopSignal?: string | undefined;
}
