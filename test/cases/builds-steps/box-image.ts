import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeImage } from '../containers/machine.ts';

export const BOX = 'europe-central2-docker.pkg.dev/demo/builders/box';

const MORE_APPLETS = ['wget', 'httpd', 'echo', 'test', 'head', 'yes', 'base64', 'cut', 'date', 'tr'];

/** Source of an image with busybox and, where this machine has them, programs with the libraries that they need. */
export function boxSource(folder: string, programs: readonly string[] = []): string {
  const root = join(folder, 'root');
  mkdirSync(root, { recursive: true });
  makeImage(root);
  for (const applet of MORE_APPLETS)
    if (!existsSync(join(root, 'bin', applet))) symlinkSync('busybox', join(root, 'bin', applet));
  for (const folderOfOurs of ['tmp', 'var/tmp', 'etc/containers'])
    mkdirSync(join(root, folderOfOurs), { recursive: true });
  writeFileSync(join(root, 'etc/containers/policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  for (const program of programs) for (const file of filesOf(program)) copyInto(root, file);
  execFileSync('tar', ['-C', root, '-cf', join(folder, 'root.tar'), '.']);
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nADD root.tar /\n');
  writeFileSync(join(folder, '.dockerignore'), 'root\n');
  return folder;
}

/** Program and libraries, each by the path that the loader asks for. */
function filesOf(program: string): string[] {
  const path = execFileSync('sh', ['-c', `command -v ${program}`])
    .toString()
    .trim();
  const libraries = execFileSync('ldd', [path]).toString().match(/\/\S+/g) ?? [];
  return [path, ...libraries];
}

function copyInto(root: string, file: string): void {
  mkdirSync(join(root, dirname(file)), { recursive: true });
  copyFileSync(file, join(root, file));
}
