import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = dirname(dirname(import.meta.dirname));
/** Where `scripts/setup.mjs --for test` unpacks them, if this machine can have them. */
const FOLDER = join(ROOT, 'node_modules/.debian-13-clients');

/** docker 26 and buildx 0.13, as Debian 13 has them. */
export const debian13 = {
  docker: join(FOLDER, 'usr/bin/docker'),
  buildx: join(FOLDER, 'usr/libexec/docker/cli-plugins/docker-buildx'),
  present: existsSync(join(FOLDER, 'usr/bin/docker')),
};
