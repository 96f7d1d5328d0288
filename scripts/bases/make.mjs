// Base images without Docker Hub: busybox (two platforms), debian, python 3.11, postgres 15 and redis 7, made once from
// Debian's packages and kept in a cache folder outside the checkout.
//   node scripts/bases/make.mjs        prints the folder of OCI layouts; needs root, debootstrap and overlayfs
import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { addImage, addIndex, addLayer, createLayout, nameImage } from './oci-layout.mjs';
import { POSTGRES, PYTHON, REDIS } from './recipes.mjs';

/** Raised when a recipe changes, so that kept images of an older one are not taken for it. */
const VERSION = 'v1';
export const ARCH = { x64: 'amd64', arm64: 'arm64' }[process.arch] ?? process.arch;
const OTHER_ARCH = ARCH === 'arm64' ? 'amd64' : 'arm64';

export function cacheFolder() {
  return process.env.SLIPWAY_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'slipway');
}

/** Where the layouts of this version lie. */
export function basesFolder() {
  return join(cacheFolder(), `bases-${VERSION}`);
}

/** Every image as [name, tags, layout folder]; what exists already is not made again. */
export async function makeBases(say = () => undefined) {
  const folder = basesFolder();
  const images = [
    { name: 'busybox', tags: ['1.35', 'latest'] },
    { name: 'debian', tags: ['bookworm-slim', 'bookworm'] },
    ...[PYTHON, POSTGRES, REDIS].map(({ name, tags }) => ({ name, tags })),
  ].map((image) => ({ ...image, layout: join(folder, image.name) }));
  const missing = new Set(
    images.filter(({ layout }) => !existsSync(join(layout, 'index.json'))).map(({ name }) => name),
  );
  if (missing.size === 0) return images;
  const started = Date.now();
  const work = join(folder, `.work-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const debian = join(work, 'debian');
    await debootstrap(debian);
    const base = join(work, 'layout-debian');
    createLayout(base);
    const layer = await addLayer(base, debian);
    const created = new Date(Math.floor(started / 1000) * 1000).toISOString();
    const first = [
      { created, created_by: `/bin/sh -c #(nop) ADD file:${layer.diffID.slice(7, 23)} in / ` },
      nop(created, 'CMD ["bash"]', ''),
    ];
    const shared = { work, debian, base, layer, created, first };
    // two at a time: the machines that this runs on have two cores, and each spends half its time waiting for packages
    const jobs = [
      () => missing.has('debian') && debianImage(shared, images),
      () => missing.has('busybox') && busyboxImage(shared, images),
      ...[POSTGRES, PYTHON, REDIS].map(
        (recipe) => () => missing.has(recipe.name) && recipeImage(recipe, shared, images),
      ),
    ];
    // both lines end before the first error is raised: the other one may still have a tree mounted
    const failed = (await Promise.allSettled([drain(jobs), drain(jobs)])).find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  say(
    `made from Debian packages: ${[...missing].join(', ')} (${Math.round((Date.now() - started) / 1000)} s, kept for next time)`,
  );
  return images;
}

async function drain(jobs) {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job();
}

export function nop(created, text, comment = 'buildkit.dockerfile.v0') {
  return comment === ''
    ? { created, created_by: `/bin/sh -c #(nop)  ${text}`, empty_layer: true }
    : { created, created_by: text, comment, empty_layer: true };
}

async function debootstrap(folder) {
  await sh('debootstrap', ['--variant=minbase', 'bookworm', folder]);
  const clean = `
    rm -rf var/cache/apt/*.bin var/cache/apt/archives/*.deb var/lib/apt/lists/* var/log/*.log var/log/apt
    find usr/share/doc -mindepth 1 -not -type d -not -name copyright -delete
    find usr/share/doc -mindepth 1 -type d -empty -delete
    rm -rf usr/share/man/* usr/share/info/* usr/share/locale/* usr/share/groff/* usr/share/lintian/* dev/* proc/* sys/*
    : > etc/resolv.conf; : > etc/hostname; rm -f etc/apt/apt.conf.d/99mirror`;
  await sh('sh', ['-ec', `cd "$0"; ${clean}`, folder]);
  const drop = ['doc/*', 'man/*', 'info/*', 'locale/*', 'groff/*', 'lintian/*'].map(
    (part) => `path-exclude /usr/share/${part}\n`,
  );
  writeFileSync(
    join(folder, 'etc/dpkg/dpkg.cfg.d/docker'),
    `${drop.join('')}path-include /usr/share/doc/*/copyright\n`,
  );
  writeFileSync(join(folder, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
}

function layoutOf(name, images) {
  return images.find((image) => image.name === name).layout;
}

/** A layout appears under its final name only when it is whole. */
export function publish(temporary, final) {
  rmSync(final, { recursive: true, force: true });
  renameSync(temporary, final);
}

async function debianImage({ work, base, layer, created, first }, images) {
  const layout = join(work, 'publish-debian');
  cpSync(base, layout, { recursive: true });
  const config = { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['bash'] };
  nameImage(
    layout,
    addImage(layout, { architecture: ARCH, config, layers: [layer], history: first, created }),
    'latest',
  );
  publish(layout, layoutOf('debian', images));
}

/** busybox for this machine and for another architecture, under one index. */
async function busyboxImage(shared, images) {
  const { work, debian, created } = shared;
  const layout = join(work, 'publish-busybox');
  createLayout(layout);
  const manifests = [];
  for (const architecture of [ARCH, OTHER_ARCH]) {
    const tree = join(work, `busybox-${architecture}`);
    for (const name of ['bin', 'etc', 'root', 'tmp', 'var', 'usr']) mkdirSync(join(tree, name), { recursive: true });
    chmodSync(join(tree, 'tmp'), 0o1777);
    cpSync(await busyboxBinary(architecture, work, debian), join(tree, 'bin/busybox'));
    chmodSync(join(tree, 'bin/busybox'), 0o755);
    const applets = await output('busybox', ['--list']);
    for (const applet of applets.split('\n').filter((name) => name !== '' && name !== 'busybox'))
      symlinkSync('busybox', join(tree, 'bin', applet));
    writeFileSync(
      join(tree, 'etc/passwd'),
      'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
    );
    writeFileSync(join(tree, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
    const layer = await addLayer(layout, tree);
    const history = [{ created, created_by: 'BusyBox 1.35 (Debian)' }, nop(created, 'CMD ["sh"]', '')];
    const config = { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'] };
    manifests.push(addImage(layout, { architecture, config, layers: [layer], history, created }));
  }
  nameImage(layout, addIndex(layout, manifests), 'latest');
  publish(layout, layoutOf('busybox', images));
}

/** This machine's busybox, or the other architecture's from Debian's archive, fetched by the apt of the tree just made. */
async function busyboxBinary(architecture, work, debian) {
  if (architecture === ARCH) return (await output('sh', ['-c', 'command -v busybox'])).trim();
  const fetched = join(work, 'foreign');
  await inTree([debian], fetched, async (merged) => {
    await chroot(
      merged,
      `dpkg --add-architecture ${architecture} && apt-get update -qq && cd /tmp && apt-get download -qq busybox-static:${architecture} && dpkg-deb -x busybox-static_*.deb /tmp/x`,
    );
  });
  return join(fetched, 'tmp/x/bin/busybox');
}

async function recipeImage(recipe, { work, debian, base, layer, created, first }, images) {
  const layout = join(work, `publish-${recipe.name}`);
  cpSync(base, layout, { recursive: true });
  const lowers = [debian];
  const layers = [layer];
  const history = [...first];
  for (const [number, step] of recipe.steps.entries()) {
    if (step.meta !== undefined) {
      history.push(nop(created, step.meta));
      continue;
    }
    const upper = join(work, `${recipe.name}-${number}`);
    await inTree(lowers, upper, async (merged) => {
      if (step.copy !== undefined) {
        mkdirSync(dirname(join(merged, step.copy)), { recursive: true });
        writeFileSync(join(merged, step.copy), recipe.files[step.copy], { mode: 0o755 });
      } else await chroot(merged, step.run);
    });
    layers.push(await addLayer(layout, upper));
    lowers.unshift(upper);
    const text =
      step.copy === undefined
        ? `RUN /bin/sh -c set -eux; ${step.run} # buildkit`
        : `COPY docker-entrypoint.sh ${step.copy} # buildkit`;
    history.push({ created, created_by: text, comment: 'buildkit.dockerfile.v0' });
  }
  const image = addImage(layout, { architecture: ARCH, config: recipe.config, layers, history, created });
  nameImage(layout, image, 'latest');
  publish(layout, layoutOf(recipe.name, images));
}

/** Runs `work` in the tree of `lowers`; what it changes stays in `upper`, without the mount points and without whiteouts' devices. */
export async function inTree(lowers, upper, work) {
  const merged = `${upper}.merged`;
  const scratch = `${upper}.work`;
  for (const folder of [upper, merged, scratch]) mkdirSync(folder, { recursive: true });
  const options = `lowerdir=${lowers.join(':')},upperdir=${upper},workdir=${scratch},redirect_dir=off,metacopy=off`;
  await sh('mount', ['-t', 'overlay', 'overlay', '-o', options, merged]);
  try {
    await sh('mount', ['-t', 'proc', 'proc', join(merged, 'proc')]);
    await sh('mount', ['--bind', '/dev', join(merged, 'dev')]);
    await work(merged);
  } finally {
    for (const part of ['dev', 'proc', '']) await sh('umount', ['-l', join(merged, part)]).catch(() => undefined);
    for (const folder of [merged, scratch]) rmSync(folder, { recursive: true, force: true });
  }
  rmSync(join(upper, 'etc/resolv.conf'), { force: true });
  const whiteouts = (await output('find', [upper, '-type', 'c'])).split('\n').filter((path) => path !== '');
  for (const path of whiteouts) {
    rmSync(path);
    writeFileSync(join(dirname(path), `.wh.${path.slice(dirname(path).length + 1)}`), '');
  }
}

/** With this machine's own resolver and apt proxy settings, which must not stay in the image. */
export async function chroot(tree, script) {
  const resolver = join(tree, 'etc/resolv.conf');
  writeFileSync(resolver, readFileSync('/etc/resolv.conf'));
  const settings = join(tree, 'etc/apt/apt.conf.d/99slipway');
  const own = (
    await output('sh', ['-c', "grep -hE '^Acquire::' /etc/apt/apt.conf.d/* /etc/apt/apt.conf 2>/dev/null || true"])
  ).trim();
  writeFileSync(settings, `${own}\n`);
  try {
    await sh('chroot', [tree, '/bin/sh', '-ec', script]);
  } finally {
    rmSync(settings, { force: true });
    writeFileSync(resolver, '');
  }
}

export function sh(program, args) {
  return output(program, args).then(() => undefined);
}

function output(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let tail = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
      tail = (tail + chunk).slice(-4000);
    });
    child.stderr.on('data', (chunk) => (tail = (tail + chunk).slice(-4000)));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${program} ${args.join(' ')} ended with ${code}:\n${tail}`)),
    );
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const images = await makeBases((text) => process.stderr.write(`${text}\n`));
  for (const { name, tags, layout } of images) process.stdout.write(`${name}:${tags[0]}\t${layout}\n`);
}
