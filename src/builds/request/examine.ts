import { automap } from './automap.ts';
import type { BuiltIns } from './built-ins.ts';
import type { Complaint } from './complaint.ts';
import type { BuildRequest } from './request.ts';
import { substitute } from './substitute.ts';
import { buildComplaints } from './validate.ts';

export interface ExaminedRequest {
  /** As it would run. */
  request: BuildRequest;
  /** Every name that has a value, with it. */
  values: Readonly<Record<string, string>>;
  /** What the API would refuse it for, in its order and words; empty for a build that runs. */
  complaints: readonly Complaint[];
}

/**
 * A request as it would run, and all that is wrong with it. Whatever refuses a build (submit.ts), shows it (`slipway
 * render`) or remarks on it (`slipway lint`) does so by this.
 */
export function examineRequest(request: BuildRequest, builtIns: BuiltIns): ExaminedRequest {
  const { request: substituted, values, emptied, complaints } = substitute(request, builtIns);
  const invalid = [...buildComplaints(substituted, emptied)].map(
    (complaint): Complaint => ({ ...complaint, message: `invalid build: ${complaint.message}` }),
  );
  const asRun = withTidyTags(automap(substituted, values));
  return { request: asRun, values, complaints: [...complaints, ...invalid] };
}

/** Tags that substitution left empty, and repeated ones, are left out. */
function withTidyTags(request: BuildRequest): BuildRequest {
  if (request.tags === undefined) return request;
  return { ...request, tags: [...new Set(request.tags)].filter((tag) => tag !== '') };
}
