import { stripVTControlCharacters } from 'node:util';
import { Command, CommanderError } from 'commander';
import { messageOf, Problem, renderProblem } from '../lib/problem.ts';
import type { AddCommand } from './command.ts';
import { describeCommands } from './command-table.ts';
import { type CliContext, createContext } from './context.ts';
import { EXIT, exitCodeOf, exitCodeOfSignal } from './exit-codes.ts';
import type { CliServices } from './services.ts';
import { READER_GONE, watchReaders } from './terminal.ts';

const START_HERE = `
Start here:
  slipway serve                 in one terminal
  eval "$(slipway env)"         in another: gcloud, gsutil, docker and slipway now use it
  gcloud builds submit --region=europe-central2 --config=cloudbuild.yaml

Exit codes: 0 done, 1 the build or check failed, 2 used wrongly,
            3 no server answers, 130 stopped by Ctrl-C`;

/**
 * The command line. Every command is a file of its own, imported only when it is called, so that `slipway --help` does not
 * pay for the server.
 */
export async function runCli(argv: readonly string[], services: CliServices): Promise<number> {
  let exit: number = EXIT.done;
  const interrupted = new AbortController();
  const program = programOf(services.version);
  const add: AddCommand = (parent, usage, words, load) => {
    const command = parent.command(usage).summary(words.summary).description(words.about);
    command.showHelpAfterError(`\n  ${pathOf(command)} --help shows how it is called.`);
    const { examples = [] } = words;
    if (examples.length > 0)
      command.addHelpText('after', `\nFor example:\n${examples.map((line) => `  ${line}`).join('\n')}`);
    if (load === undefined) return command;
    return command.action(async (...given: unknown[]) => {
      given.pop();
      const options = given.pop();
      const { data } = command.optsWithGlobals<{ data?: string }>();
      const context = createContext(services, data, interrupted.signal);
      const run = (await load()) as (context: CliContext, options: unknown, ...args: unknown[]) => Promise<number>;
      exit = await run(context, options, ...given);
    });
  };
  describeCommands(program, add);
  let stoppedBy: NodeJS.Signals = 'SIGINT';
  const onSignal = (signal: NodeJS.Signals) => {
    stoppedBy = signal;
    interrupted.abort();
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  const unwatch = watchReaders(() => interrupted.abort(READER_GONE));
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exit;
  } catch (error) {
    return complain(error, interrupted.signal, stoppedBy);
  } finally {
    unwatch();
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}

function programOf(version: string): Command {
  const program = new Command('slipway');
  program
    .description('Builds container images on machines you own, with the clients you already use.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'the same as COMMAND --help')
    .option('--data <folder>', 'data folder (else $SLIPWAY_DATA, ./.slipway, /var/lib/slipway)')
    .configureHelp({
      sortSubcommands: false,
      showGlobalOptions: true,
      visibleGlobalOptions: (command) =>
        command === program ? [] : program.options.filter(({ long }) => long === '--data'),
    })
    .showSuggestionAfterError(true)
    .showHelpAfterError('\n  slipway --help lists the commands.')
    .addHelpText('after', START_HERE)
    .exitOverride();
  return program;
}

function pathOf(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}

function complain(error: unknown, signal: AbortSignal, stoppedBy: NodeJS.Signals): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.misuse;
  // `| head` has read all that it wanted; that is no failure of ours
  if (signal.reason === READER_GONE) return EXIT.done;
  if (signal.aborted && (!(error instanceof Problem) || error.code === 'cancelled')) {
    process.stderr.write('cancelled\n');
    return exitCodeOfSignal(stoppedBy);
  }
  if (error instanceof Problem) {
    process.stderr.write(`${harmless(renderProblem(error))}\n`);
    return exitCodeOf(error);
  }
  process.stderr.write(
    `error: ${messageOf(error)}\n\n  This is a mistake in Slipway. SLIPWAY_LOG=debug shows where.\n`,
  );
  if (process.env['SLIPWAY_LOG'] === 'debug' && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return EXIT.failed;
}

/** A complaint repeats what programs wrote: nothing of it may clear a screen or ring a bell. */
function harmless(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');
}
