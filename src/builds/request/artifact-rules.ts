import type { Complaint } from './complaint.ts';
import type { BuildRequest } from './request.ts';

const MAX_PATHS = 100;

/** Objects go to a bucket: where, and which files, each named once (archived local builder, its validation). */
export function* artifactComplaints({ artifacts }: BuildRequest): Generator<Complaint> {
  const objects = artifacts?.objects;
  if (objects === undefined) return;
  const path = ['artifacts', 'objects'];
  const { location = '', paths = [] } = objects;
  if (!/^gs:\/\/[^/]+/.test(location))
    yield {
      path: [...path, 'location'],
      message: `artifacts.objects.location ${JSON.stringify(location)} is not of the form gs://bucket/path/`,
    };
  if (paths.length > MAX_PATHS)
    yield { path: [...path, 'paths'], message: `artifacts.objects.paths: too many paths (max: ${MAX_PATHS})` };
  const seen = new Set<string>();
  for (const [i, glob] of paths.entries()) {
    if (seen.has(glob))
      yield {
        path: [...path, 'paths', i],
        message: `artifacts.objects.paths: ${JSON.stringify(glob)} is listed twice`,
      };
    seen.add(glob);
  }
}
