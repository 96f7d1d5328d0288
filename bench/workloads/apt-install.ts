import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from '../../src/lib/run.ts';
import type { ImageBuild } from '../contenders/contender.ts';
import { words } from './bytes.ts';

const PACKAGES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'];
const FILES = 60;

/** Everything that apt-get does for a package but the download: lists, dependencies, unpacking, scripts, its records. */
const INSTALL = `set -e
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d
echo 'deb [trusted=yes] file:/repository ./' > /etc/apt/sources.list
apt='-qq -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0'
apt-get update $apt
DEBIAN_FRONTEND=noninteractive apt-get install $apt -y --no-install-recommends bench-${PACKAGES.at(-1)} > /dev/null
rm -rf /var/lib/apt/lists/*
`;

/**
 * An image whose RUN installs six packages with apt-get, from a folder of the context: RUN has no network here, and a mirror
 * would be part of what is measured. The packages are our own, each depends on the one before.
 */
export async function writeAptInstall(folder: string, base: string, mark: string): Promise<ImageBuild> {
  const context = join(folder, `apt-${mark}`);
  const repository = join(folder, 'debian-repository');
  if (mark === '0') await writeRepository(repository);
  await mkdir(context);
  await cp(repository, join(context, 'repository'), { recursive: true });
  await writeFile(join(context, 'install.sh'), `# ${mark}\n${INSTALL}`);
  const file = join(context, 'Dockerfile');
  await writeFile(file, `FROM ${base}\nCOPY repository /repository\nCOPY install.sh /install.sh\nRUN sh /install.sh\n`);
  return { context, file, tag: 'bench/apt:latest' };
}

/** A flat repository (sources.list(5)): packages and the list of them. */
async function writeRepository(folder: string): Promise<void> {
  await mkdir(folder);
  const entries: string[] = [];
  for (const [i, name] of PACKAGES.entries()) {
    const tree = join(folder, 'tree');
    const control = [
      `Package: bench-${name}`,
      'Version: 1.0',
      'Architecture: all',
      'Maintainer: bench <bench@example.org>',
      ...(i === 0 ? [] : [`Depends: bench-${PACKAGES[i - 1]} (>= 1.0)`]),
      `Description: package ${name} of a benchmark`,
    ];
    const text: Record<string, string> = {
      'DEBIAN/control': `${control.join('\n')}\n`,
      'DEBIAN/postinst': `#!/bin/sh\nset -e\necho ${name} >> /var/lib/bench-installed\n`,
    };
    for (let n = 0; n < FILES; n++)
      text[`usr/share/bench/${name}/part${n % 6}/file${n}`] = words(`${name} ${n}`, 3000 + 700 * (n % 40));
    for (const [path, value] of Object.entries(text)) {
      await mkdir(join(tree, path, '..'), { recursive: true });
      await writeFile(join(tree, path), value, { mode: path.endsWith('postinst') ? 0o755 : 0o644 });
    }
    const file = `bench-${name}_1.0_all.deb`;
    await runOk('dpkg-deb', ['--build', '--root-owner-group', tree, join(folder, file)]);
    await rm(tree, { recursive: true });
    const bytes = await readFile(join(folder, file));
    const sum = createHash('sha256').update(bytes).digest('hex');
    entries.push([...control, `Filename: ./${file}`, `Size: ${bytes.length}`, `SHA256: ${sum}`].join('\n'));
  }
  await writeFile(join(folder, 'Packages'), `${entries.join('\n\n')}\n`);
}
