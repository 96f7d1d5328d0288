import type { Router } from '../../http/router.ts';
import type { DockerHandler } from '../call.ts';
import { auth } from './auth.ts';
import { diskUsage } from './df.ts';
import { events } from './events.ts';
import { info } from './info.ts';
import { ping } from './ping.ts';
import { swarmRoutes } from './swarm.ts';
import { version } from './version.ts';

/** What a client asks of the daemon as such. */
export function systemRoutes(router: Router<DockerHandler>): void {
  router
    .on('GET', '/_ping', ping)
    .on('GET', '/version', version)
    .on('GET', '/info', info)
    .on('POST', '/auth', auth)
    .on('GET', '/events', events)
    .on('GET', '/system/df', diskUsage);
  swarmRoutes(router);
}
