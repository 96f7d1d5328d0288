import type { Complaint } from './complaint.ts';
import type { BuildRequest } from './request.ts';

const MAX_PATHS = 100;
const INVALID = 'invalid .artifacts field: ';

/** Objects go to a bucket: where, and which files, each named once. */
export function* artifactComplaints({ artifacts }: BuildRequest): Generator<Complaint> {
  const objects = artifacts?.objects;
  if (objects === undefined) return;
  const { location = '', paths = [] } = objects;
  const at = ['artifacts', 'objects', 'location'];
  if (location === '') yield { path: at, message: `${INVALID}.artifacts.location field is empty` };
  else if (!location.startsWith('gs://'))
    yield {
      path: at,
      message: `${INVALID}invalid .artifacts.location value ${JSON.stringify(location)}; Google Cloud Storage URLs must begin with 'gs://'`,
    };
  else if (/^gs:\/\/(?:\/|$)/.test(location))
    yield {
      path: at,
      message: `${INVALID}invalid .artifacts.location value ${JSON.stringify(location)}; the bucket is missing`,
    };
  const list = ['artifacts', 'objects', 'paths'];
  if (paths.length === 0) yield { path: list, message: `${INVALID}.artifacts.paths field empty` };
  if (paths.length > MAX_PATHS)
    yield {
      path: list,
      message: `${INVALID}.artifacts.paths field has length ${paths.length}, but cannot specify more than ${MAX_PATHS}`,
    };
  for (const [i, path] of paths.entries())
    if (/\s/.test(path))
      yield { path: [...list, i], message: `${INVALID}.artifacts.paths ${JSON.stringify(path)} contains whitespace` };
  const twins = paths.filter((path, i) => paths.indexOf(path) < i);
  if (twins.length > 0)
    yield {
      path: list,
      message: `${INVALID}.artifacts.paths field has duplicate paths; remove duplicates [${twins.join(', ')}]`,
    };
}
