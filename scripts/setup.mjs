// Makes a fresh Debian or Ubuntu machine ready, from a clone without node_modules: so nothing is imported here but Node
// itself and what stands beside it. Every part is skipped when it is in place, and says in one line what it installs and why.
//   node scripts/setup.mjs [--for demo|test]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bringDebian13Clients } from './debian-13-clients.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const purpose = process.argv.includes('--for') ? process.argv[process.argv.indexOf('--for') + 1] : 'run';

/** [program, Debian package, what we need it for] */
const RUN = [
  ['runc', 'runc', 'runs build steps and RUN lines'],
  ['ip', 'iproute2', 'gives every build a network of its own'],
  ['nft', 'nftables', 'keeps builds away from this machine and from each other'],
  ['zstd', 'zstd', 'unpacks zstd layers and archives'],
  ['xz', 'xz-utils', 'unpacks xz archives'],
  ['bzip2', 'bzip2', 'unpacks bzip2 archives'],
];
const EXAMPLES = [
  ['debootstrap', 'debootstrap', 'makes the base images of demo and tests'],
  ['busybox', 'busybox-static', 'makes the smallest base image'],
  ['skopeo', 'skopeo', 'a registry client that demo and tests drive'],
  ['docker-registry', 'docker-registry', 'plays the upstream registry in demo and tests'],
  ['git', 'git', "keeps the example's history, whose commit tags its images"],
];

/** Whether the headline was printed. */
let headed = false;

checkNode();
installPackages(purpose === 'run' ? RUN : [...RUN, ...EXAMPLES]);
installModules();
if (purpose === 'test') bringTestClients();
build();

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Node ${process.versions.node} is too old: Slipway needs 20.19 or newer.`);
}

function installPackages(wanted) {
  const missing = wanted.filter(([program]) => !onPath(program));
  if (missing.length === 0) return;
  const names = missing.map(([, name]) => name);
  if (process.getuid?.() !== 0)
    fail(
      `These Debian packages are missing: ${names.join(' ')}. Run this as root, or install them:\n  sudo apt-get install ${names.join(' ')}`,
    );
  if (!onPath('apt-get')) fail(`Please install: ${names.join(', ')} (this machine has no apt-get).`);
  for (const [, name, why] of missing) say(name, why);
  const started = Date.now();
  withoutStartingServices(() => {
    if (apt(['install', '-y', '--no-install-recommends', ...names]) !== 0) {
      apt(['update']);
      if (apt(['install', '-y', '--no-install-recommends', ...names], true) !== 0)
        fail(`apt-get could not install ${names.join(' ')}.`);
    }
  });
  const still = missing.filter(([program]) => !onPath(program)).map(([program]) => program);
  if (still.length > 0) fail(`Still missing after the installation: ${still.join(', ')}.`);
  say('', `from Debian's packages, ${seconds(started)}`);
}

/** docker-registry's package starts a service on port 5000, which nobody asked for: Debian's policy hook forbids it meanwhile. */
function withoutStartingServices(work) {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    work();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

function apt(args, loud = false) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const result = spawnSync('apt-get', ['-q', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (result.status !== 0 && loud) process.stderr.write(`${result.stdout}${result.stderr}`);
  return result.status ?? 1;
}

function installModules() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const stamp = join(root, 'node_modules/.slipway-lock');
  const wanted = createHash('sha256').update(lock).update(process.versions.modules).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const started = Date.now();
  say('node modules', 'the versions of package-lock.json');
  // not `npm ci`: it refuses a lock file that was made where binaries for other platforms were not to be had
  const result = spawnSync('npm', ['install', '--no-save', '--no-fund', '--no-audit', '--silent'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.status !== 0) fail('npm install failed.');
  writeFileSync(stamp, wanted);
  say('', seconds(started));
}

function bringTestClients() {
  const started = Date.now();
  if (bringDebian13Clients())
    say('docker and buildx', `of Debian 13, beside the system's, for tests, ${seconds(started)}`);
}

function build() {
  const stamp = join(root, 'dist/.sources');
  const wanted = sourcesHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const started = Date.now();
  const result = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.status !== 0) fail('The build failed.');
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
  say('slipway', `built in ${seconds(started)}`);
}

function sourcesHash() {
  const hash = createHash('sha256');
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else hash.update(path.slice(root.length)).update(readFileSync(path));
    }
  };
  visit(join(root, 'src'));
  for (const name of [
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/build.mjs',
    'scripts/compile-cli.mjs',
  ])
    hash.update(readFileSync(join(root, name)));
  return hash.digest('hex');
}

function onPath(program) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}

function seconds(started) {
  return `${((Date.now() - started) / 1000).toFixed(0)} s`;
}

/** Nothing is said where everything is in place. */
function say(what, why) {
  if (!headed) process.stderr.write('Setting up\n');
  headed = true;
  process.stderr.write(`  ${what.padEnd(18)} ${why}\n`);
}

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}
