// Builder images without gcr.io: what Google's cloud-builders/docker and cloud-builders/git are used for beyond their one
// program, which is mostly `bash -c`. One layer of Debian packages under both; made once, kept beside the bases.
//   node scripts/bases/builders.mjs        prints the OCI layouts; needs root, debootstrap and overlayfs
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ARCH, basesFolder, chroot, inTree, makeBases, nop, publish, sh } from './make.mjs';
import { addImage, addLayer, nameImage } from './oci-layout.mjs';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Repository and tags as at gcr.io, and the program of the ENTRYPOINT. */
const BUILDERS = [
  { name: 'cloud-builders/docker', entrypoint: ['/usr/bin/docker'] },
  { name: 'cloud-builders/git', entrypoint: ['git'] },
];

/** Docker's client and buildx come from Debian 13, since 12 has no buildx; where 13 can't be had, 12's client alone. */
const INSTALL = `
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends bash ca-certificates curl git jq make openssh-client
. /etc/os-release
mirror=$(sed -n 's/^deb \\(\\[.*\\] \\)\\?\\(http[^ ]*\\) .*/\\2/p' /etc/apt/sources.list | head -1)
mkdir -p /tmp/clients/lists/partial /tmp/clients/root
cd /tmp/clients
echo "deb [signed-by=${KEYRING}] $mirror trixie main" > sources.list
newer="-o Dir::Etc::SourceList=/tmp/clients/sources.list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=/tmp/clients/lists -o APT::Sandbox::User=root"
if apt-get $newer update -qq && apt-get $newer download -qq docker-cli docker-buildx; then :; else apt-get download -qq docker.io; fi
for package in *.deb; do dpkg-deb -x "$package" root; done
install -D root/usr/bin/docker /usr/bin/docker
if [ -d root/usr/libexec/docker/cli-plugins ]; then mkdir -p /usr/libexec/docker; cp -a root/usr/libexec/docker/cli-plugins /usr/libexec/docker/; fi
cd /
docker --version
git --version
rm -rf /tmp/clients /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/log/*.log /var/log/apt
`;

/** Every image as [name, tags, layout folder]; what exists already is not made again. */
export async function makeBuilders(say = () => undefined) {
  const images = BUILDERS.map((builder) => ({
    ...builder,
    tags: ['latest'],
    layout: join(basesFolder(), builder.name.replace('/', '-')),
  }));
  if (images.every(({ layout }) => existsSync(join(layout, 'index.json')))) return images;
  const debian = (await makeBases(say)).find(({ name }) => name === 'debian').layout;
  const started = Date.now();
  const work = join(basesFolder(), `.work-builders-${process.pid}`);
  const [tree, upper] = [join(work, 'debian'), join(work, 'packages')];
  mkdirSync(tree, { recursive: true });
  try {
    const base = readImage(debian);
    await sh('tar', ['-C', tree, '-xpzf', base.layerFile]);
    await inTree([tree], upper, (merged) => chroot(merged, INSTALL));
    const shared = join(work, 'layout');
    cpSync(debian, shared, { recursive: true });
    const layer = await addLayer(shared, upper);
    const created = new Date(Math.floor(started / 1000) * 1000).toISOString();
    for (const image of images) {
      const layout = join(work, `publish-${image.layout.split('/').at(-1)}`);
      cpSync(shared, layout, { recursive: true });
      const built = addImage(layout, {
        architecture: ARCH,
        config: { Env: [PATH], Entrypoint: image.entrypoint },
        layers: [base.layer, layer],
        history: [
          ...base.history,
          {
            created,
            created_by: `RUN /bin/sh -c ${INSTALL.trim().split('\n')[2]} # buildkit`,
            comment: 'buildkit.dockerfile.v0',
          },
          nop(created, `ENTRYPOINT ${JSON.stringify(image.entrypoint)}`),
        ],
        created,
      });
      nameImage(layout, built, 'latest');
      publish(layout, image.layout);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  say(`builder images made from Debian packages (${Math.round((Date.now() - started) / 1000)} s, kept for next time)`);
  return images;
}

/** The one layer and the history of a layout that make.mjs wrote. */
function readImage(layout) {
  const blob = (digest) => join(layout, 'blobs/sha256', digest.replace('sha256:', ''));
  const json = (file) => JSON.parse(readFileSync(file, 'utf8'));
  const manifest = json(blob(json(join(layout, 'index.json')).manifests[0].digest));
  const config = json(blob(manifest.config.digest));
  const [descriptor] = manifest.layers;
  return {
    layerFile: blob(descriptor.digest),
    layer: { diffID: config.rootfs.diff_ids[0], descriptor },
    history: config.history,
  };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const images = await makeBuilders((text) => process.stderr.write(`${text}\n`));
  process.stdout.write(`${JSON.stringify(images.map(({ name, tags, layout }) => ({ name, tags, layout })))}\n`);
}
