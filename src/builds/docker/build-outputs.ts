import { posix } from 'node:path';
import { parseOutput } from '../../engine/options/output.ts';
import type { BuildOutput } from '../../engine/request.ts';
import { fullName } from '../../images/reference.ts';
import { Problem } from '../../lib/problem.ts';
import type { DockerSession } from './command.ts';

export interface StepOutputs {
  /** Archives. */
  files: BuildOutput[];
  /** Folders for root file systems, as the step names them. */
  folders: string[];
  /** More names of the image. */
  names: string[];
  push: boolean;
}

/**
 * The `--output` flags of a step: paths are those of the workspace, and reached in no other way.
 * @throws Problem `unsupported` for standard output, which is the build's log
 */
export function stepOutputs(flags: readonly string[], docker: DockerSession): StepOutputs {
  const asked: StepOutputs = { files: [], folders: [], names: [], push: false };
  for (const text of flags) {
    const flag = parseOutput(text);
    if (flag.kind === 'image') {
      asked.names.push(...flag.names);
      asked.push ||= flag.push;
      continue;
    }
    if (flag.dest === '-')
      throw new Problem('unsupported', `--output ${text}: a step's standard output is the log of the build`, {
        hint: 'Name a file of the workspace: dest=FILE.',
      });
    const path = posix.resolve(docker.cwd, flag.dest);
    if (flag.kind === 'local') asked.folders.push(path);
    else
      asked.files.push({
        kind: flag.kind,
        names: flag.names.map(fullName),
        write: (bytes) => docker.files.replace(path, bytes),
      });
  }
  return asked;
}

/** The outputs while `work` runs: folders are held open, so that what a parallel step puts in their place doesn't matter. */
export async function withStepOutputs<T>(
  { files, folders }: Pick<StepOutputs, 'files' | 'folders'>,
  docker: DockerSession,
  work: (outputs: BuildOutput[]) => Promise<T>,
): Promise<T> {
  const [path, ...more] = folders;
  if (path === undefined) return await work(files);
  await docker.files.makeFolder(path);
  return await docker.files.pinned(path, (folder) =>
    withStepOutputs({ files: [...files, { kind: 'local', folder }], folders: more }, docker, work),
  );
}

/** `--provenance` as buildx writes it. @throws Problem `invalid` */
export function stepProvenance(text: string | undefined): 'min' | 'max' | undefined {
  if (text === undefined || text === 'false') return undefined;
  if (text === 'true' || text === 'min' || text === 'mode=min') return 'min';
  if (text === 'max' || text === 'mode=max') return 'max';
  throw new Problem('invalid', `--provenance ${text}: true, false, mode=min or mode=max is expected`);
}
