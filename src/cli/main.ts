import { Command, CommanderError, Option } from 'commander';
import { messageOf, Problem, renderProblem } from '../lib/problem.ts';
import { type CliContext, createContext } from './context.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import type { CliServices } from './services.ts';

type Run = (context: CliContext, options: never, ...args: never[]) => Promise<number>;

/**
 * The command table. Every command is a file of its own, imported only when it is called, so that `slipway --help` does
 * not pay for the server.
 */
export async function runCli(argv: readonly string[], services: CliServices): Promise<number> {
  const program = new Command('slipway')
    .description(
      'Builds container images on machines you own; gcloud, gsutil, docker and skopeo speak to it unmodified.',
    )
    .version(services.version)
    .option('--data <folder>', 'data folder (else $SLIPWAY_DATA, ./.slipway, /var/lib/slipway)')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .exitOverride();
  let exit: number = EXIT.done;
  const interrupted = new AbortController();
  const add = (usage: string, summary: string, load: () => Promise<Run>): Command =>
    program
      .command(usage)
      .description(summary)
      .action(async (...given: unknown[]) => {
        const command = given.pop() as Command;
        const options = given.pop();
        const data = command.optsWithGlobals<{ data?: string }>().data;
        const context = createContext(services, data, interrupted.signal);
        const run = (await load()) as (context: CliContext, options: unknown, ...args: unknown[]) => Promise<number>;
        exit = await run(context, options, ...given);
      });
  describeServer(add);
  describeBuilds(add);
  describeImages(add);
  describeHouse(add);
  program.addHelpText(
    'after',
    '\nStart here:\n  slipway serve                 in one terminal\n  eval "$(slipway env)"         in another: gcloud, gsutil and slipway now use that server\n  gcloud builds submit --region=europe-central2 --config=cloudbuild.yaml\n',
  );
  const onSignal = () => interrupted.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exit;
  } catch (error) {
    return complain(error);
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}

function complain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.misuse;
  if (error instanceof Problem) {
    process.stderr.write(`${renderProblem(error)}\n`);
    return exitCodeOf(error);
  }
  process.stderr.write(`error: ${messageOf(error)}\n  This is a mistake in Slipway. SLIPWAY_LOG=debug shows where.\n`);
  if (process.env['SLIPWAY_LOG'] === 'debug' && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return EXIT.failed;
}

type Add = (usage: string, summary: string, load: () => Promise<Run>) => Command;

function describeServer(add: Add): void {
  add('serve', 'run the server', async () => (await import('./commands/serve.ts')).serve).option(
    '--listen <host:port>',
    'address of the HTTP doors (default 127.0.0.1:7070, or slipway.yaml)',
  );
  add(
    'env',
    'print the settings that point gcloud, gsutil and slipway at the server',
    async () => (await import('./commands/env.ts')).env,
  )
    .option('--project <id>', 'project that gcloud uses', 'demo')
    .addHelpText('after', '\nUse it as  eval "$(slipway env)".  Your own gcloud set-up is not touched.');
  add('status', 'whether a server runs, and where', async () => (await import('./commands/status.ts')).status).option(
    '--json',
    'for programs',
  );
  add('token <action> [id]', 'create, list or revoke tokens', async () => (await import('./commands/token.ts')).token)
    .addOption(
      new Option('--role <role>', 'what the token may do').choices(['reader', 'writer', 'admin']).default('reader'),
    )
    .option('--project <id>', 'project that it is for; * for all', 'demo')
    .option('--repository <name>', 'one repository of the project')
    .option('--expires <duration>', 'for example 12h or 30d; never, if absent')
    .option('--note <text>', 'what it is for', '')
    .option('--json', 'for programs');
}

function describeBuilds(add: Add): void {
  add(
    'submit [source]',
    'upload a folder, build it by its cloudbuild.yaml, follow the log',
    async () => (await import('./commands/submit.ts')).submit,
  )
    .option('--config <file>', 'the steps', 'cloudbuild.yaml')
    .option('--region <region>', 'as gcloud --region', 'europe-central2')
    .option('--project <id>', 'project (else $CLOUDSDK_CORE_PROJECT, else demo)')
    .option('--substitutions <K=V,...>', 'values for ${_K}')
    .option('--tag <image>', 'build the Dockerfile of the folder and push it under this name, without a config')
    .option('--async', 'print the id and go')
    .option('--json', 'the build as JSON at the end');
  add(
    'builds <action> [id]',
    'list, describe, log or cancel builds',
    async () => (await import('./commands/builds.ts')).builds,
  )
    .option('--region <region>', 'as gcloud --region', 'europe-central2')
    .option('--project <id>', 'project (else $CLOUDSDK_CORE_PROJECT, else demo)')
    .option('--limit <n>', 'how many', '20')
    .option('--follow', 'log: go on until the build ends')
    .option('--json', 'for programs');
  add(
    'render',
    'the build as it would run: substituted, checked, planned',
    async () => (await import('./commands/render.ts')).render,
  )
    .option('--config <file>', 'the steps', 'cloudbuild.yaml')
    .option('--region <region>', 'as gcloud --region', 'europe-central2')
    .option('--project <id>', 'project (else $CLOUDSDK_CORE_PROJECT, else demo)')
    .option('--substitutions <K=V,...>', 'values for ${_K}')
    .option('--loose', 'keys without a value become empty, as in triggers')
    .option('--json', 'the build as JSON');
}

function describeImages(add: Add): void {
  const collect = (value: string, before: string[]) => [...before, value];
  add('build [context]', 'build an image from a Dockerfile', async () => (await import('./commands/build.ts')).build)
    .option('-f, --file <path>', 'Dockerfile (default CONTEXT/Dockerfile)')
    .option('-t, --tag <name>', 'name for the image; may be given several times', collect, [])
    .option('--build-arg <K=V>', 'value of an ARG; K alone takes it from the environment', collect, [])
    .option('--label <K=V>', 'label', collect, [])
    .option('--target <stage>', 'stage to build')
    .option('--platform <os/arch>', 'platform of the base images')
    .option('--cache-from <image>', 'accepted; the layer cache needs no naming', collect, [])
    .option('--no-cache', 'run everything again')
    .option('--pull', 'ask upstream for newer bases')
    .option('--push', 'push every tag afterwards')
    .addOption(
      new Option('--network <mode>', 'network of RUN lines').choices(['default', 'none', 'host']).default('default'),
    )
    .addOption(
      new Option('--progress <style>', 'how progress is shown').choices(['auto', 'plain', 'json']).default('auto'),
    )
    .option('--explain', 'say for every step why it was or was not cached')
    .option('--project <id>', 'whose cache (else $CLOUDSDK_CORE_PROJECT, else demo)')
    .option('-q, --quiet', 'print the image id alone');
  add('images', 'images that have a name here', async () => (await import('./commands/images.ts')).images).option(
    '--json',
    'for programs',
  );
  add('tag <source> <target>', 'give an image another name', async () => (await import('./commands/tag.ts')).tag);
  add('push <name>', 'send an image to its registry', async () => (await import('./commands/push.ts')).push)
    .option('-a, --all-tags', 'every tag of the repository')
    .option('--json', 'for programs');
  add('pull <name>', 'fetch an image', async () => (await import('./commands/pull.ts')).pull)
    .option('--platform <os/arch>', 'of several platforms, this one')
    .option('--json', 'for programs');
  add(
    'copy <source> <target>',
    'copy from registry to registry, all platforms, same digest',
    async () => (await import('./commands/copy.ts')).copy,
  ).option('--json', 'for programs');
  add(
    'history <image>',
    'how an image came about, layer by layer',
    async () => (await import('./commands/history.ts')).history,
  )
    .option('--no-trunc', 'whole texts')
    .option('--json', 'for programs');
}

function describeHouse(add: Add): void {
  add(
    'doctor',
    'recompute, do not trust: checks the machine and the stored bytes',
    async () => (await import('./commands/doctor.ts')).doctor,
  )
    .option('--quick', 'the machine alone; no byte is read')
    .option('--json', 'for programs');
  add(
    'seed',
    "fill the server with the example's bucket, model and bases",
    async () => (await import('./commands/seed.ts')).seed,
  );
}
