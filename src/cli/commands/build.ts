import type { BuildCall, ControlCalls } from '../../doors/control/wire.ts';
import type { BuildEvent } from '../../engine/events.ts';
import { withoutLastLines } from '../../engine/last-lines.ts';
import { formatDuration } from '../../lib/bytes.ts';
import { messageOf, Problem, problemToJson } from '../../lib/problem.ts';
import { type BuildOptions, buildCallOf } from '../build-call.ts';
import { writesToStandardOutput } from '../build-outputs.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { type ExplainedBase, explained } from '../explained.ts';
import { buildProgress } from '../progress/build-progress.ts';
import type { SshAgents } from '../ssh-agents.ts';
import type { StandardInput } from '../standard-input.ts';
import type { Terminal } from '../terminal.ts';
import { UsageProblem } from '../usage-problem.ts';
import { withControl } from '../with-control.ts';

export async function build(context: CliContext, options: BuildOptions, folder = '.'): Promise<number> {
  const agents = await agentsOf(options.ssh ?? []);
  try {
    const run = (by: CliContext, standardOutput?: string) =>
      withInput(folder, options, context, async (input) =>
        buildWith(by, options, await buildCallOf(options, folder, agents.sockets, standardOutput, input)),
      );
    if (!writesToStandardOutput(options.output ?? [])) return await run(context);
    if (process.stdout.isTTY)
      throw new UsageProblem('an archive is not written to a terminal', 'Name a file: --output type=TYPE,dest=FILE.');
    const { terminal } = context;
    const { intoStream } = await import('../byte-socket.ts');
    return await intoStream(process.stdout, (socket) =>
      run({ ...context, terminal: { ...terminal, out: terminal.err } }, socket),
    );
  } finally {
    await agents.close();
  }
}

/** With `-` in place of the context, what standard input holds. */
async function withInput(
  folder: string,
  options: BuildOptions,
  { data, signal }: CliContext,
  work: (input?: StandardInput) => Promise<number>,
): Promise<number> {
  if (folder !== '-') return await work();
  if (options.file === '-')
    throw new UsageProblem(
      "invalid argument: can't use stdin for both build context and dockerfile",
      'Name one of them.',
    );
  return await (await import('../standard-input.ts')).withStandardInput(process.stdin, data, signal, work);
}

/** What few builds need is loaded by those: all of it together would be a tenth of the command's start. */
async function agentsOf(flags: readonly string[]): Promise<SshAgents> {
  if (flags.length === 0) return { sockets: {}, close: async () => undefined };
  return await (await import('../ssh-agents.ts')).openAgents(flags);
}

async function buildWith(context: CliContext, options: BuildOptions, call: BuildCall): Promise<number> {
  const { terminal, signal } = context;
  if (options.check) {
    const { checkDockerfile } = await import('./build-check.ts');
    return await checkDockerfile(context, call, options.progress === 'json');
  }
  const progress = buildProgress(terminal, options);
  const bases = new Map<number, ExplainedBase>();
  const onEvent = (event: BuildEvent) => {
    noteBase(event, bases);
    progress.listen(event);
  };
  let result: BuildResult;
  try {
    result = await withControl(context, (control) => control.call('build', call, onEvent, signal));
  } catch (error) {
    progress.finish(signal.aborted ? 'cancelled' : 'failed');
    const problem = error instanceof Problem ? error : new Problem('failed', messageOf(error));
    if (options.progress === 'json') terminal.out(`${JSON.stringify({ problem: problemToJson(problem) })}\n`);
    throw progress.showsOutput ? withoutLastLines(error) : error;
  }
  progress.finish('done', result.images);
  printResult(terminal, options, result, [...bases.values()]);
  return EXIT.done;
}

type BuildResult = ControlCalls['build']['result'];

/** The answer, on standard output: ids that can be pasted into the next command. */
function printResult(
  { out }: Terminal,
  options: BuildOptions,
  { images, steps, pushed, ms }: BuildResult,
  bases: readonly ExplainedBase[],
): void {
  if (options.progress === 'json') out(`${JSON.stringify({ result: { images, steps, pushed, ms } })}\n`);
  else if (options.quiet || options.progress === 'quiet') out(images.map(({ image }) => `${image.id}\n`).join(''));
  else {
    if (options.explain) out(`${explained(steps, bases)}\n`);
    for (const { image, tags, kept } of images) {
      out(`${image.target.digest}${kept ? ', the same as upstream' : ''}  ${formatDuration(ms)}\n`);
      for (const name of tags) out(`  ${name}\n`);
    }
    for (const { reference } of pushed) out(`  pushed ${reference}\n`);
  }
}

/** As the engine names the vertex of a base (engine/solve.ts): `[build 1/4] FROM debian:12`. */
const FROM_VERTEX = /^\[(?:\S+ )?\d+\/\d+\] (FROM .*)$/;

function noteBase(event: BuildEvent, bases: Map<number, ExplainedBase>): void {
  const text = event.kind === 'vertex' ? FROM_VERTEX.exec(event.name)?.[1] : undefined;
  if (event.kind === 'vertex' && text !== undefined) bases.set(event.id, { text, cached: true });
  const base = event.kind === 'end' ? bases.get(event.id) : undefined;
  if (event.kind === 'end' && base !== undefined) base.cached = event.status === 'cached';
}
