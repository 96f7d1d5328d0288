import { type GoogleStatuses, googleErrors } from '../http/google-errors.ts';

/**
 * gcloud repeats a request four times on any 5xx, also one that created a build, so nothing that is known gets one:
 * `unsupported` is not 501 and `unavailable` not 503.
 */
const STATUSES: GoogleStatuses = {
  invalid: [400, 'INVALID_ARGUMENT'],
  'not-found': [404, 'NOT_FOUND'],
  unauthenticated: [401, 'UNAUTHENTICATED'],
  denied: [403, 'PERMISSION_DENIED'],
  conflict: [400, 'FAILED_PRECONDITION'],
  exhausted: [429, 'RESOURCE_EXHAUSTED'],
  unavailable: [400, 'FAILED_PRECONDITION'],
  cancelled: [499, 'CANCELLED'],
  timeout: [400, 'DEADLINE_EXCEEDED'],
  failed: [400, 'FAILED_PRECONDITION'],
  unsupported: [400, 'INVALID_ARGUMENT'],
};

/** The only place where this door makes an error. */
export const sendError = googleErrors('cloudbuild', STATUSES);
