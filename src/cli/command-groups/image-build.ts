import { type Command, Option } from 'commander';
import { type AddCommand, EXAMPLE_IMAGE } from '../command.ts';
import { collected, platformValue } from '../option-values.ts';

export function describeImageBuild(program: Command, add: AddCommand): void {
  add(
    program,
    'build [context]',
    {
      summary: 'build an image from a Dockerfile, here and now',
      about:
        'Builds an image from a Dockerfile by the running server, or without one in this process. Layers are cached by themselves; --explain says why one was not.',
      examples: [
        'slipway build -t api:dev .',
        'slipway build -f deploy/Dockerfile --build-arg VERSION=1.2 --explain .',
        `slipway build -t ${EXAMPLE_IMAGE}:dev --push .`,
      ],
    },
    async () => (await import('../commands/build.ts')).build,
  )
    .option('-f, --file <path>', 'Dockerfile (default CONTEXT/Dockerfile; - reads it from standard input)')
    .option('-t, --tag <name>', 'name for the image; may be given several times', collected)
    .option('--build-arg <K=V>', 'value of an ARG; K alone takes it from the environment', collected)
    .option('--label <K=V>', 'label of the image', collected)
    .option('--build-context <name=source>', 'what FROM name, COPY --from=name and mounts of it mean', collected)
    .option('--target <stage[=image]>', 'stage to build; several build together, each with its own name', collected)
    .option('--platform <os/arch>', 'platform of the base images', platformValue)
    .option(
      '--cache-from <image>',
      'an image or a cache to take layers from; those made here need no naming',
      collected,
    )
    .option(
      '--cache-to <where>',
      'layers for other machines: inline, an image name, or type=local,dest=FOLDER',
      collected,
    )
    .option('--no-cache', 'run everything again')
    .option('--no-cache-filter <stage>', 'run the instructions of these stages again', collected)
    .option('--pull', 'ask upstream for newer bases')
    .option('--push', 'push every tag afterwards')
    .option('-o, --output <where>', 'files beside the image: FOLDER, or type=local|tar|oci|docker,dest=PATH', collected)
    .option('--secret <id=...>', 'for RUN --mount=type=secret: id=ID,src=FILE or id=ID,env=NAME', collected)
    .option('--ssh <id>', 'agent for RUN --mount=type=ssh: default, or ID=SOCKET', collected)
    .option('--allow <entitlement>', 'security.insecure or network.host, where the server allows it', collected)
    .addOption(new Option('--provenance <detail>', 'attach how it was made (SLSA)').choices(['min', 'max']))
    .option('--check', 'only check the Dockerfile; exit 1 when there are warnings')
    .addOption(
      new Option('--network <mode>', 'network of RUN lines').choices(['default', 'none', 'host']).default('default'),
    )
    .addOption(
      new Option('--progress <style>', 'how progress is shown: a picture on a terminal, lines elsewhere')
        .choices(['auto', 'tty', 'plain', 'classic', 'json', 'quiet'])
        .default('auto'),
    )
    .option('--explain', 'say for every step why it was or was not cached')
    .option('--project <id>', 'whose cache (else $CLOUDSDK_CORE_PROJECT, else demo)')
    .option('-q, --quiet', 'print the image id alone');
}
