import type { Place } from '../lib/problem.ts';
import type { CopySource } from './stage-names.ts';

/** What one --mount flag of RUN asks for: words expanded, defaults filled in, targets absolute. */
export type RunMount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount;

interface MountBase {
  /** Of the flag, for complaints. */
  place: Place;
}

/** Files of the context, a stage or an image; what is written to them is thrown away. */
export interface BindMount extends MountBase {
  type: 'bind';
  target: string;
  from: CopySource;
  /** Below the root of `from`, `../` clamped; '' is the root. */
  source: string;
  readonly: boolean;
}

/** A folder that stays from build to build. */
export interface CacheMount extends MountBase {
  type: 'cache';
  target: string;
  /** Within the project, with the namespace that the build gives (BUILDKIT_CACHE_MOUNT_NS) in front. */
  id: string;
  sharing: 'shared' | 'private' | 'locked';
  /** What a new one begins with; absent: nothing. */
  from?: CopySource;
  /** A path in `from`; without `from`, one in the cache itself. */
  source: string;
  readonly: boolean;
  /** Of a new one's root folder. */
  owner?: FileOwner;
}

export interface TmpfsMount extends MountBase {
  type: 'tmpfs';
  target: string;
  sizeBytes?: number;
}

export interface SecretMount extends MountBase {
  type: 'secret';
  id: string;
  /** Absent for one that is only a variable. */
  target?: string;
  env?: string;
  required: boolean;
  owner: FileOwner;
}

export interface SshMount extends MountBase {
  type: 'ssh';
  id: string;
  target: string;
  required: boolean;
  owner: FileOwner;
}

export interface FileOwner {
  mode: number;
  uid: number;
  gid: number;
}
