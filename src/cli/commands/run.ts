import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cancelled } from '../../lib/cancelled.ts';
import { type BuildOptions, buildRequest } from '../build-request.ts';
import { buildSummary } from '../build-summary.ts';
import { chosenSteps, type StepChoice } from '../chosen-steps.ts';
import type { CliContext } from '../context.ts';
import { copySource } from '../copy-source.ts';
import { EXIT } from '../exit-codes.ts';
import { isFolder } from '../is-folder.ts';
import { projectOf } from '../project.ts';
import type { StartShell } from '../services.ts';
import { isArchive } from '../sources/is-archive.ts';
import { stepShell } from '../step-shell.ts';
import { UsageProblem } from '../usage-problem.ts';

interface RunOptions extends BuildOptions, StepChoice {
  keepWorkspace?: boolean;
  workspace?: string;
  shellOnFailure?: boolean;
}

/** A build here and now: `slipway submit` without upload, queue, record or server. */
export async function run(context: CliContext, options: RunOptions, source?: string): Promise<number> {
  const project = projectOf(options.project);
  const request = await buildRequest(options, project);
  const isChosen = chosenSteps(request.steps ?? [], options);
  const workspace = workspaceOf(options, source);
  const folder = resolve(source ?? '.');
  if (workspace === undefined) requireFolder(folder);
  const { terminal, services, signal } = context;
  const shell = options.shellOnFailure === true ? shellOf(context) : undefined;
  const waiting = () => terminal.err('Waiting for another slipway command to let go of the data folder\n');
  const builds = await services.openLocalBuilds(context.data.root, { signal, waiting });
  try {
    const ended = await builds.run(
      {
        request,
        project,
        location: options.region,
        ...(workspace === undefined
          ? { fill: (target: string, say: (line: string) => void) => copySource(folder, target, say, signal) }
          : { workspace }),
        keepWorkspace: options.keepWorkspace === true,
        isChosen,
        pushes: options.step === undefined,
        print: (text) => terminal.out(text),
        shell,
      },
      signal,
    );
    terminal.err(buildSummary(ended));
    const kept = join(context.data.root, 'kept', ended.id);
    if (options.keepWorkspace === true && existsSync(kept))
      terminal.err(`Workspace kept: ${kept}\n  go on in it with --workspace ${kept} --from-step STEP\n`);
    if (signal.aborted) throw cancelled();
    return ended.status === 'SUCCESS' ? EXIT.done : EXIT.failed;
  } finally {
    await builds.close();
  }
}

function workspaceOf(options: RunOptions, source: string | undefined): string | undefined {
  if (options.workspace === undefined) return undefined;
  if (source !== undefined)
    throw new UsageProblem('a source and --workspace exclude each other', '--workspace is used as it is, not copied.');
  if (options.keepWorkspace === true) throw new UsageProblem('--workspace stays anyway', 'Leave --keep-workspace out.');
  const workspace = resolve(options.workspace);
  requireFolder(workspace);
  return workspace;
}

function requireFolder(path: string): void {
  if (isArchive(path))
    throw new UsageProblem(
      `slipway run takes a folder, and ${path} is an archive`,
      'Unpack it, or use slipway submit.',
    );
  if (!existsSync(path) || !isFolder(path)) throw new UsageProblem(`no such folder: ${path}`);
}

function shellOf({ terminal }: CliContext): StartShell | undefined {
  if (process.stdin.isTTY === true && process.stdout.isTTY === true) return stepShell(process);
  terminal.err('Not on a terminal: a step that fails gets no shell.\n');
  return undefined;
}
