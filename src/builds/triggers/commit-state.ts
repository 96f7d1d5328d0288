import type { BuildStatus } from '../build.ts';
import type { CommitState } from './commit-reports.ts';

const STATES: Record<BuildStatus, CommitState> = {
  PENDING: 'pending',
  QUEUED: 'pending',
  WORKING: 'running',
  SUCCESS: 'success',
  FAILURE: 'failed',
  INTERNAL_ERROR: 'failed',
  TIMEOUT: 'failed',
  EXPIRED: 'failed',
  CANCELLED: 'canceled',
};

/** What GitLab shows for a build. */
export function stateOf(status: BuildStatus): CommitState {
  return STATES[status];
}
