import { type Command, Option } from 'commander';
import type { CliContext } from './context.ts';
import {
  addressValue,
  bytesValue,
  collected,
  countValue,
  durationValue,
  platformValue,
  substitutionsValue,
} from './option-values.ts';

export type Run = (context: CliContext, options: never, ...args: never[]) => Promise<number>;

export interface Words {
  /** One line of the list of commands. */
  summary: string;
  /** A sentence or two above the command's own help. */
  about: string;
  /** Lines that can be typed as they are. */
  examples?: string[];
}

/** Adds a command, with what runs it, or without for a group of commands. */
export type AddCommand = (parent: Command, usage: string, words: Words, load?: () => Promise<Run>) => Command;

const IMAGE = 'europe-central2-docker.pkg.dev/demo/live-coding/api';

/** Every command with its options, in the order in which a newcomer needs them. */
export function describeCommands(program: Command, add: AddCommand): void {
  describeServer(program, add);
  describeSubmit(program, add);
  describeBuilds(program, add);
  describeImageBuild(program, add);
  describeImages(program, add);
  describeTokens(program, add);
  describeHouse(program, add);
}

function describeServer(program: Command, add: AddCommand): void {
  add(
    program,
    'serve',
    {
      summary: 'run the server',
      about:
        'Runs the server until Ctrl-C: builds, registry and logs behind one port. It prints "ready URL" when it answers; its log goes to standard error.',
      examples: ['slipway serve', 'slipway serve --data /srv/slipway --listen 127.0.0.1:7171'],
    },
    async () => (await import('./commands/serve.ts')).serve,
  ).option('--listen <host:port>', 'address of the HTTP doors (default 127.0.0.1:7070, or slipway.yaml)', addressValue);
  add(
    program,
    'env',
    {
      summary: 'print the settings that point gcloud, gsutil and slipway at the server',
      about:
        'Prints export lines for a shell. gcloud gets a configuration folder of its own; your own gcloud set-up is not touched.',
      examples: ['eval "$(slipway env)"'],
    },
    async () => (await import('./commands/env.ts')).env,
  ).option('--project <id>', 'project that gcloud uses', 'demo');
  add(
    program,
    'status',
    { summary: 'whether a server runs, and where', about: 'Says whether a server runs on the data folder, and where.' },
    async () => (await import('./commands/status.ts')).status,
  ).option('--json', 'for programs');
}

function describeSubmit(program: Command, add: AddCommand): void {
  const submit = add(
    program,
    'submit [source]',
    {
      summary: 'upload a folder, build it by its cloudbuild.yaml, follow the log',
      about:
        'As gcloud builds submit: packs the folder by its .gcloudignore, uploads it, follows the log, and exits with the result of the build. Ctrl-C cancels the build.',
      examples: [
        'slipway submit',
        'slipway submit --config deploy/cloudbuild.yaml --substitutions _COMMIT_SHA=4f2c1e9',
        `slipway submit --tag ${IMAGE}:dev`,
      ],
    },
    async () => (await import('./commands/submit.ts')).submit,
  );
  withConfig(submit)
    .option('--tag <image>', "build the folder's Dockerfile and push it under this name, without a config")
    .option('--async', 'print the id and go')
    .option('--json', 'the build as JSON at the end; the log goes to standard error');
  const render = add(
    program,
    'render',
    {
      summary: 'the build as it would run: substituted, checked, planned',
      about: 'Shows a cloudbuild.yaml as it would run: substituted, checked, and in which order. Needs no server.',
      examples: ['slipway render --config deploy/cloudbuild.yaml --substitutions _COMMIT_SHA=4f2c1e9'],
    },
    async () => (await import('./commands/render.ts')).render,
  );
  withConfig(render)
    .option('--loose', 'keys without a value become empty, as in triggers')
    .option('--json', 'the build as JSON');
}

function withConfig(command: Command): Command {
  return withProject(command.option('--config <file>', 'the steps', 'cloudbuild.yaml')).option(
    '--substitutions <K=V,...>',
    'values for ${_K}',
    substitutionsValue,
    {},
  );
}

function withProject(command: Command): Command {
  return command
    .option('--region <region>', 'as gcloud --region', 'europe-central2')
    .option('--project <id>', 'project (else $CLOUDSDK_CORE_PROJECT, else demo)');
}

function describeBuilds(program: Command, add: AddCommand): void {
  const builds = add(program, 'builds', {
    summary: 'list, describe or cancel builds; read their logs',
    about: 'Builds of this server, whichever client submitted them.',
  });
  withProject(
    add(
      builds,
      'list',
      { summary: 'the latest builds', about: 'The latest builds, newest first.' },
      async () => (await import('./commands/builds.ts')).listBuilds,
    ),
  )
    .option('--limit <n>', 'how many', countValue, 20)
    .option('--json', 'for programs');
  withProject(
    add(
      builds,
      'describe <id>',
      { summary: 'everything known of one build', about: 'Everything known of one build, as JSON.' },
      async () => (await import('./commands/builds.ts')).describeBuild,
    ),
  ).option('--json', 'it always is');
  withProject(
    add(
      builds,
      'log <id>',
      { summary: 'the log of one build', about: 'The log of one build, as far as it is written.' },
      async () => (await import('./commands/builds.ts')).buildLog,
    ),
  ).option('--follow', 'go on until the build ends, and exit with its result');
  withProject(
    add(
      builds,
      'cancel <id>',
      { summary: 'stop a build', about: 'Stops a build that waits or runs; what it started is ended and removed.' },
      async () => (await import('./commands/builds.ts')).cancelBuild,
    ),
  );
}

function describeImageBuild(program: Command, add: AddCommand): void {
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
        `slipway build -t ${IMAGE}:dev --push .`,
      ],
    },
    async () => (await import('./commands/build.ts')).build,
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

function describeImages(program: Command, add: AddCommand): void {
  add(
    program,
    'images',
    { summary: 'images that have a name here', about: 'Images that you built, tagged or pulled on this server.' },
    async () => (await import('./commands/images.ts')).images,
  ).option('--json', 'for programs');
  add(
    program,
    'tag <source> <target>',
    {
      summary: 'give an image another name',
      about: 'Gives an image another name; SOURCE is a name or an image id.',
      examples: [`slipway tag api:dev ${IMAGE}:1.0.0`],
    },
    async () => (await import('./commands/tag.ts')).tag,
  );
  add(
    program,
    'push <name>',
    {
      summary: 'send an image to its registry',
      about: 'Sends an image to the registry that its name begins with; our own takes it without moving a byte.',
      examples: [`slipway push ${IMAGE}:1.0.0`, `slipway push --all-tags ${IMAGE}`],
    },
    async () => (await import('./commands/push.ts')).push,
  )
    .option('-a, --all-tags', 'every tag of the repository')
    .option('--json', 'for programs');
  add(
    program,
    'pull <name>',
    {
      summary: 'fetch an image',
      about:
        'Fetches an image and gives it its name here. With --lazy its layers stay at their registry until something needs their bytes.',
      examples: [`slipway pull ${IMAGE}:latest`],
    },
    async () => (await import('./commands/pull.ts')).pull,
  )
    .option('--platform <os/arch>', 'of several platforms, this one', platformValue)
    .option('--lazy', 'leave the layers where they are until something needs them')
    .option('--json', 'for programs');
  add(
    program,
    'save <images...>',
    {
      summary: 'write images into an archive',
      about: 'Writes images into one archive that docker load, podman load, skopeo and slipway load read.',
      examples: ['slipway save -o api.tar api:dev', 'slipway save api:dev | ssh other docker load'],
    },
    async () => (await import('./commands/save.ts')).save,
  )
    .option('-o, --output <file>', 'where to (default: standard output)')
    .addOption(new Option('--format <form>', 'what kind of archive').choices(['docker', 'oci']).default('docker'));
  add(
    program,
    'load',
    {
      summary: 'take in the images of an archive',
      about: 'Takes in the images of an archive (docker save, podman save, an OCI image layout), plain or compressed.',
      examples: ['slipway load -i api.tar', 'docker save api:dev | slipway load'],
    },
    async () => (await import('./commands/load.ts')).load,
  )
    .option('-i, --input <file>', 'where from (default: standard input)')
    .option('--tag <name>', 'another name for the only image')
    .option('--json', 'for programs');
  add(
    program,
    'copy <source> <target>',
    {
      summary: 'copy from registry to registry, all platforms, same digest',
      about: 'Copies from registry to registry, byte for byte: all platforms, the same digest.',
      examples: ['slipway copy python:3.11-slim europe-central2-docker.pkg.dev/demo/bases/python:3.11-slim-1.0.0'],
    },
    async () => (await import('./commands/copy.ts')).copy,
  ).option('--json', 'for programs');
  add(
    program,
    'history <image>',
    {
      summary: 'how an image came about, layer by layer',
      about: 'Shows which line made each layer, and on which base the image stands. What is not here yet is fetched.',
      examples: [`slipway history ${IMAGE}`, `slipway history --all --no-trunc ${IMAGE}`],
    },
    async () => (await import('./commands/history.ts')).history,
  )
    .option('--all', 'the entries of the base as well')
    .option('--no-trunc', 'whole texts')
    .option('--json', 'all entries, for programs');
}

function describeTokens(program: Command, add: AddCommand): void {
  const token = add(program, 'token', {
    summary: 'create, list or revoke tokens',
    about:
      'Tokens let other people, machines and CI jobs in. docker login takes one as the password, with any user name.',
  });
  add(
    token,
    'create',
    {
      summary: 'make a token; it is shown once',
      about: 'Makes a token and prints it, once: only its hash is kept.',
      examples: [
        'slipway token create --role writer --project demo --note "GitLab" > token',
        'docker login -u token --password-stdin 127.0.0.1:7070 < token',
      ],
    },
    async () => (await import('./commands/token.ts')).createToken,
  )
    .addOption(
      new Option('--role <role>', 'what the token may do').choices(['reader', 'writer', 'admin']).default('reader'),
    )
    .option('--project <id>', 'project that it is for; * for all', 'demo')
    .option('--repository <name>', 'one repository of the project')
    .option('--expires <duration>', 'for example 12h or 30d; never, if absent', durationValue)
    .option('--note <text>', 'what it is for', '')
    .option('--json', 'for programs');
  add(
    token,
    'list',
    { summary: 'tokens and when they were used', about: 'Tokens, what they may do, and when they were last used.' },
    async () => (await import('./commands/token.ts')).listTokens,
  ).option('--json', 'for programs');
  add(
    token,
    'revoke <id>',
    { summary: 'end a token', about: 'Ends a token at once; clients that use it are refused from now on.' },
    async () => (await import('./commands/token.ts')).revokeToken,
  );
}

function describeHouse(program: Command, add: AddCommand): void {
  add(
    program,
    'doctor',
    {
      summary: 'recompute, do not trust: checks the machine and the stored bytes',
      about: 'Checks what the machine can do and recomputes the digest of every stored byte.',
      examples: ['slipway doctor', 'slipway doctor --quick'],
    },
    async () => (await import('./commands/doctor.ts')).doctor,
  )
    .option('--quick', 'the machine alone; no stored byte is read')
    .option('--json', 'for programs, one object per line');
  add(
    program,
    'prune',
    {
      summary: 'remove now what nobody keeps any more',
      about:
        'Does what the server does every hour by itself: blobs that no image, build, object or cache names move to the trash, unpacked trees and uploads that nobody uses go.',
      examples: ['slipway prune', 'slipway prune --cache --older-than 7d', 'slipway prune --cache --keep-bytes 10GB'],
    },
    async () => (await import('./commands/prune.ts')).prune,
  )
    .option('--cache', 'also forget cached layers: all that no build of the last hour used, or those beyond the limits')
    .option('--older-than <time>', 'with --cache: only those that no build used for so long (7d, 12h)', durationValue)
    .option('--keep-bytes <size>', 'with --cache: only the longest unused beyond this size (10GB)', bytesValue)
    .option('--json', 'for programs');
  add(
    program,
    'seed',
    {
      summary: "fill the server with the example's bucket, model and bases",
      about:
        'Fills the running server with what the example needs and prints where its copy of the example lies. Safe to repeat.',
    },
    async () => (await import('./commands/seed.ts')).seed,
  );
}
