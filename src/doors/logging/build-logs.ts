import { may } from '../../auth/identity.ts';
import type { Build } from '../../builds/build.ts';
import { projectNumber } from '../../builds/project-number.ts';
import type { BuildRecords } from '../../builds/records.ts';
import { Problem } from '../../lib/problem.ts';
import type { LogReader } from '../../stores/logs/logs.ts';
import type { WithHeaders } from '../http/credentials.ts';
import type { DoorContext } from '../http/door.ts';
import { permissionDenied, requireIdentity } from '../http/google-access.ts';
import type { LogFilter } from './log-filter.ts';

export interface LoggingDeps extends DoorContext {
  records: Pick<BuildRecords, 'get'>;
  logs: Pick<LogReader, 'info' | 'read' | 'follow'>;
}

/**
 * The build whose log a question is about, when the caller may read its project.
 * @param resources `projects/ID` each, or by number
 * @returns undefined when the filter rules every build out, or the one it names isn't there
 * @throws Problem `invalid`, `unauthenticated`, `denied`
 */
export async function buildOf(
  request: WithHeaders,
  resources: readonly string[],
  filter: LogFilter,
  deps: LoggingDeps,
): Promise<Build | undefined> {
  const identity = await requireIdentity(request, deps);
  const projects = resources.map(projectOf);
  if (projects.length === 0) throw new Problem('invalid', 'resource_names is required: projects/PROJECT');
  const { of } = filter;
  const id = of['resource.labels.build_id'];
  const build = id === undefined ? undefined : (await deps.records.get(id))?.build;
  const project = build === undefined ? undefined : projects.find((name) => isProject(build, name));
  // who may not know of a build gets the answer of one that isn't there
  for (const name of projects)
    if (!may(identity, 'reader', name === project ? (build?.projectId ?? name) : name))
      throw permissionDenied('reader', [name]);
  if (isOfAnotherKind(filter)) return undefined;
  if (id === undefined)
    throw new Problem('invalid', 'The filter names no build.', {
      hint: 'Logs are kept by build: add resource.labels.build_id="ID".',
    });
  if (build === undefined || project === undefined) return undefined;
  const labels = of['resource.labels.project_id'];
  if (labels !== undefined && !isProject(build, labels)) return undefined;
  const trigger = of['resource.labels.build_trigger_id'];
  return trigger === undefined || trigger === (build.buildTriggerId ?? '') ? build : undefined;
}

/** Whether a filter asks for what is no build's log; of those there are none here. */
function isOfAnotherKind({ of }: LogFilter): boolean {
  const { logName, 'resource.type': type } = of;
  return (
    (logName !== undefined && !/^projects\/[^/]+\/logs\/cloudbuild$/.test(logName)) || (type ?? 'build') !== 'build'
  );
}

function isProject(build: Build, name: string): boolean {
  return name === build.projectId || name === projectNumber(build.projectId);
}

function projectOf(resource: string): string {
  const project = /^projects\/([^/]+)$/.exec(resource)?.[1];
  if (project !== undefined) return project;
  throw new Problem('invalid', `unknown resource name ${JSON.stringify(resource.slice(0, 100))}`, {
    hint: 'Name a project: projects/PROJECT.',
  });
}
