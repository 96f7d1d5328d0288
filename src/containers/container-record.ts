import type { Digest } from '../images/digest.ts';
import type { PublishedPort } from './container.ts';
import type { ContainerRequest } from './container-request.ts';

export interface ContainerRecord {
  id: string;
  name: string;
  request: ContainerRequest;
  /** The image's id, which a moved tag doesn't change. */
  imageId: Digest;
  /** As it is run: of the request and the image. */
  process: { args: string[]; env: string[]; cwd: string; user: string };
  /** Milliseconds since 1970. */
  createdAt: number;
  state: ContainerState;
  /** With the names of volumes that were made for it. */
  mounts: ContainerMountRecord[];
  network: {
    name: string;
    address?: string | undefined;
    gateway?: string | undefined;
    mac?: string | undefined;
    /** Published, as long as it runs, with the numbers that were free. */
    ports?: PublishedPort[] | undefined;
  };
}

export interface ContainerMountRecord {
  kind: 'bind' | 'volume' | 'tmpfs';
  name?: string | undefined;
  source: string;
  target: string;
  readonly: boolean;
  /** Of a tmpfs. */
  sizeBytes?: number | undefined;
}

export interface ContainerState {
  status: 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing' | 'dead';
  pid: number;
  exitCode: number;
  error: string;
  outOfMemory: boolean;
  /** Milliseconds since 1970; 0: never. */
  startedAt: number;
  finishedAt: number;
  restarts: number;
}
