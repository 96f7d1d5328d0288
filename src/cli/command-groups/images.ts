import { type Command, Option } from 'commander';
import { type AddCommand, EXAMPLE_IMAGE } from '../command.ts';
import { platformValue, platformValues } from '../option-values.ts';

export function describeImages(program: Command, add: AddCommand): void {
  add(
    program,
    'images',
    {
      summary: 'images that have a name here, or carry a tag in the registry',
      about:
        'Images that you built, tagged or pulled on this server. With --tag: every image of this registry that carries the tag, so that a commit names all that was made of it.',
      examples: ['slipway images', 'slipway images --tag 4f2c1e9'],
    },
    async () => (await import('../commands/images.ts')).images,
  )
    .option('--tag <tag>', 'images of this registry with this tag, across repositories')
    .option('--project <id>', 'with --tag: of one project')
    .option('--json', 'for programs');
  add(
    program,
    'tag <source> <target>',
    {
      summary: 'give an image another name',
      about: 'Gives an image another name; SOURCE is a name or an image id.',
      examples: [`slipway tag api:dev ${EXAMPLE_IMAGE}:1.0.0`],
    },
    async () => (await import('../commands/tag.ts')).tag,
  );
  add(
    program,
    'push <name>',
    {
      summary: 'send an image to its registry',
      about: 'Sends an image to the registry that its name begins with; our own takes it without moving a byte.',
      examples: [`slipway push ${EXAMPLE_IMAGE}:1.0.0`, `slipway push --all-tags ${EXAMPLE_IMAGE}`],
    },
    async () => (await import('../commands/push.ts')).push,
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
      examples: [`slipway pull ${EXAMPLE_IMAGE}:latest`],
    },
    async () => (await import('../commands/pull.ts')).pull,
  )
    .option('--platform <os/arch>', 'of several platforms, this one', platformValue)
    .option('--lazy', 'leave the layers where they are until something needs them')
    .option('--json', 'for programs');
  add(
    program,
    'save <images...>',
    {
      summary: 'write images into an archive or a folder',
      about:
        'Writes images into one archive that docker load, podman load, skopeo and slipway load read. As an OCI image layout, in an archive or a folder, images keep all platforms and whatever refers to them.',
      examples: [
        'slipway save -o api.tar api:dev',
        'slipway save api:dev | ssh other docker load',
        `slipway save -o images/ ${EXAMPLE_IMAGE}:1.0.0 python:3.11-slim`,
      ],
    },
    async () => (await import('../commands/save.ts')).save,
  )
    .option('-o, --output <file>', 'where to; a folder gets an OCI image layout (default: standard output)')
    .addOption(
      new Option('--format <form>', 'what kind (default: docker; oci-dir for a folder)').choices([
        'docker',
        'oci',
        'oci-dir',
      ]),
    )
    .option('--platform <os/arch>', 'oci: of several platforms these alone', platformValues)
    .option('--no-referrers', 'oci: without signatures, attestations and other referrers');
  add(
    program,
    'load',
    {
      summary: 'take in the images of an archive or a folder',
      about:
        'Takes in the images of an archive (docker save, podman save, an OCI image layout), plain or compressed, or of a folder with an OCI image layout.',
      examples: ['slipway load -i api.tar', 'docker save api:dev | slipway load', 'slipway load -i images/'],
    },
    async () => (await import('../commands/load.ts')).load,
  )
    .option('-i, --input <file>', 'where from: a file or a folder (default: standard input)')
    .option('--tag <name>', 'another name for the only image')
    .option('--json', 'for programs');
  add(
    program,
    'copy <source> <target>',
    {
      summary: 'copy from registry to registry, all platforms, same digest',
      about:
        'Copies from registry to registry, byte for byte: all platforms, signatures, attestations and whatever else refers to the image, under the same digest. What the target has is not sent again; a copy that was broken off goes on where it was.',
      examples: [
        'slipway copy python:3.11-slim europe-central2-docker.pkg.dev/demo/bases/python:3.11-slim-1.0.0',
        `slipway copy --all-tags ${EXAMPLE_IMAGE} registry.example/live-coding/api`,
      ],
    },
    async () => (await import('../commands/copy.ts')).copy,
  )
    .option('-a, --all-tags', 'every tag of the repository')
    .option('--platform <os/arch>', 'of several platforms these alone; the index stays whole', platformValues)
    .option('--no-referrers', 'leave signatures, attestations and other referrers where they are')
    .option('--json', 'for programs');
  add(
    program,
    'history <image>',
    {
      summary: 'how an image came about, layer by layer',
      about: 'Shows which line made each layer, and on which base the image stands. What is not here yet is fetched.',
      examples: [`slipway history ${EXAMPLE_IMAGE}`, `slipway history --all --no-trunc ${EXAMPLE_IMAGE}`],
    },
    async () => (await import('../commands/history.ts')).history,
  )
    .option('--all', 'the entries of the base as well')
    .option('--no-trunc', 'whole texts')
    .option('--json', 'all entries, for programs');
  add(
    program,
    'shell <image> [cmd...]',
    {
      summary: 'walk into an image as it was after any layer',
      about:
        'Runs a shell, or another program behind --, in the files of an image; with #3 in those after its third layer, as slipway history counts them. An id of a step and the digest of a layer name an image, too. Nothing that is changed there stays.',
      examples: [
        `slipway shell ${EXAMPLE_IMAGE}:dev`,
        `slipway shell ${EXAMPLE_IMAGE}:dev#3`,
        `slipway shell ${EXAMPLE_IMAGE}:dev#3 -- ls -l /app`,
      ],
    },
    async () => (await import('../commands/shell.ts')).shell,
  ).option('-u, --user <name>', "as another user than the image's: a name or a number");
}
