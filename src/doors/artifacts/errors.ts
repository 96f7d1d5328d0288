import { type GoogleStatuses, googleErrors } from '../http/google-errors.ts';

/** As Artifact Registry answers; gcloud shows the status's name and the message. 5xx it repeats, so nothing known gets one. */
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
export const sendError = googleErrors('artifacts', STATUSES);
