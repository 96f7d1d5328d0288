// The docker command line and buildx of Debian 13, for tests that drive BuildKit's newer protocol with them: downloaded and
// unpacked beside the system, which keeps the versions that it has. Without them (no Debian, no network) those tests skip.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const PACKAGES = ['docker-cli', 'docker-buildx'];

/** Where they are unpacked. */
export const debian13Clients = join(root, 'node_modules/.debian-13-clients');

/** @returns whether they were brought now; false when they are there, or can't be had */
export function bringDebian13Clients() {
  if (existsSync(debian13Clients)) return false;
  const uri = debianUri();
  if (uri === undefined || !existsSync(KEYRING)) return false;
  const work = mkdtempSync(join(tmpdir(), 'slipway-clients-'));
  try {
    const unpacked = join(work, 'root');
    for (const folder of ['lists/partial', 'cache/archives/partial', 'root'])
      mkdirSync(join(work, folder), { recursive: true });
    writeFileSync(join(work, 'sources.list'), `deb [signed-by=${KEYRING}] ${uri} trixie main\n`);
    const settings = [
      `Dir::Etc::SourceList=${join(work, 'sources.list')}`,
      'Dir::Etc::SourceParts=/dev/null',
      `Dir::State::Lists=${join(work, 'lists')}`,
      `Dir::Cache=${join(work, 'cache')}`,
      'APT::Sandbox::User=root',
      'Acquire::Languages=none',
    ].flatMap((setting) => ['-o', setting]);
    const apt = (...args) => done('apt-get', ['-q', ...settings, ...args], work);
    if (!apt('update') || !apt('download', ...PACKAGES)) return false;
    const files = readdirSync(work).filter((name) => name.endsWith('.deb'));
    if (!files.every((name) => done('dpkg-deb', ['-x', name, unpacked], work))) return false;
    mkdirSync(dirname(debian13Clients), { recursive: true });
    if (!done('cp', ['-a', unpacked, `${debian13Clients}.new`], work)) return false;
    renameSync(`${debian13Clients}.new`, debian13Clients);
    return true;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The mirror that this machine's own packages come from. */
function debianUri() {
  const format = '$(REPO_URI) $(LABEL) $(COMPONENT)';
  const { status, stdout } = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  if (status !== 0) return undefined;
  return stdout
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, label, component]) => label === 'Debian' && component === 'main')?.[0];
}

function done(program, args, cwd) {
  return spawnSync(program, args, { cwd, stdio: 'ignore' }).status === 0;
}
