import type { Build, BuildStatus } from '../build.ts';

/** Who is to be told of which builds (`builds.notifications` of slipway.yaml). */
export interface BuildListener {
  /** `projects/P/topics/T`. */
  topic?: string | undefined;
  statuses?: readonly BuildStatus[] | undefined;
  projects?: readonly string[] | undefined;
}

/** The topic to which Cloud Build sends the messages of all builds of its project. */
const EVERYTHING = 'cloud-builds';

/** A topic hears of the builds that name it, and `cloud-builds` of all of its project. */
export function concerns({ topic, statuses, projects }: BuildListener, build: Build): boolean {
  if (statuses !== undefined && !statuses.includes(build.status)) return false;
  if (projects !== undefined && !projects.includes(build.projectId)) return false;
  if (topic === undefined) return true;
  return topic === build.options.pubsubTopic || topic === `projects/${build.projectId}/topics/${EVERYTHING}`;
}
