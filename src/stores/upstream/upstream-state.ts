import type { UpstreamQuota } from './rows.ts';

/** How it stands with the upstream of one remote repository. */
export interface UpstreamState {
  /** `LOCATION/PROJECT/REPOSITORY`. */
  repository: string;
  host: string;
  url: string;
  /** Empty when nobody in particular pulls. */
  username: string;
  /** Why it could not be asked, since when (milliseconds since 1970); absent when it answers, or wasn't asked yet. */
  failure?: { message: string; since: number } | undefined;
  /** By its last answer that said so. */
  quota?: UpstreamQuota | undefined;
}
