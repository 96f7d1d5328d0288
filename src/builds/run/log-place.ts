import { logObjectName } from '../../stores/buckets/log-objects.ts';
import type { LogPlace } from '../../stores/buckets/with-running-logs.ts';
import type { Build } from '../build.ts';

/** The object that a build's log becomes: `logsBucket: gs://b/dir` -> `dir/log-<id>.txt` of b. */
export function logPlaceOf({ id, projectId, logsBucket, options }: Build): LogPlace {
  const [bucket = '', ...folder] = logsBucket.replace(/^gs:\/\//, '').split('/');
  const name = [...folder, logObjectName(id)].join('/');
  return { project: projectId, bucket, name, streamed: options.logStreamingOption !== 'STREAM_OFF' };
}
