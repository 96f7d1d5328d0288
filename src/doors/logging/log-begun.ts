import type { Build } from '../../builds/build.ts';
import type { LogReader } from '../../stores/logs/logs.ts';

/**
 * When a build's log began, milliseconds since 1970: never before the build was made, which is the earliest time that gcloud
 * asks for.
 */
export async function logBegun(build: Build, logs: Pick<LogReader, 'info'>): Promise<number> {
  const made = Date.parse(build.createTime);
  return Math.max(made, (await logs.info(build.id))?.createdAt ?? made);
}
