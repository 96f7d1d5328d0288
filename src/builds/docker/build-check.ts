import { countWarnings, renderWarning } from '../../dockerfile/checks/report.ts';
import type { Warning } from '../../dockerfile/checks/warnings.ts';
import type { ImageBuildRequest } from '../../engine/request.ts';
import type { DockerSession } from './command.ts';

/** `docker build --check` in a step: the warnings, and status 1 when there are any. */
export async function checkInStep(request: Omit<ImageBuildRequest, 'onEvent'>, docker: DockerSession): Promise<number> {
  const warnings: Warning[] = [];
  const name = 'path' in request.dockerfile ? request.dockerfile.path : request.dockerfile.name;
  const report = () => {
    for (const warning of warnings) docker.out(`${renderWarning(warning)}\n`);
  };
  const onEvent: ImageBuildRequest['onEvent'] = (event) => {
    if (event.kind === 'warning') warnings.push(event);
  };
  await docker.engine.build({ ...request, checkOnly: true, onEvent }, docker.caller).finally(report);
  docker.out(countWarnings(warnings.length, name));
  return warnings.length === 0 ? 0 : 1;
}
