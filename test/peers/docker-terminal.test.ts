import { describe } from 'vitest';
import { hasBusybox } from '../cases/image-build/busybox-base.ts';
import { hasRunc } from '../cases/image-build/needs.ts';
import { dockerClients } from '../wire/docker-lessons/docker-clients.ts';
import { terminalSuite } from '../wire/docker-terminal/terminal-suite.ts';
import { missingPrograms } from '../wire/registry-image.ts';
import { hasDocker, startDocker } from './docker-daemon.ts';
import { openOurBuilds } from './our-builds.ts';

const missing = await missingPrograms('tmux');

/** What we ask of our own door is what dockerd does. */
describe.skipIf(!hasDocker || !hasBusybox || !hasRunc || missing.length > 0)('at a terminal', () => {
  terminalSuite('dockerd', async () => {
    const daemon = await startDocker();
    const ours = await openOurBuilds();
    try {
      const base = await ours.saveBase(['busybox:latest']);
      await daemon.docker(['load', '--input', base.path]);
      await base.remove();
    } finally {
      await ours.close();
    }
    const env = { DOCKER_HOST: daemon.host, DOCKER_CONFIG: '/nonexistent' };
    return { docker: dockerClients[0]?.path ?? 'docker', env, close: daemon.stop };
  });
});
