import type { Router } from '../../http/router.ts';
import type { DockerHandler } from '../call.ts';
import { getArchive, headArchive, putArchive } from './archive.ts';
import { attach } from './attach.ts';
import { createContainer } from './create.ts';
import { createExec, inspectExec, resizeExec, startExec } from './exec.ts';
import { changes, exportContainer } from './files.ts';
import { inspectContainer } from './inspect.ts';
import {
  kill,
  pause,
  remove,
  rename,
  resize,
  restart,
  start,
  stop,
  unpause,
  update,
  waitForContainer,
} from './lifecycle.ts';
import { listContainers } from './list.ts';
import { logs } from './logs.ts';
import { pruneContainers } from './prune.ts';
import { stats } from './stats.ts';
import { top } from './top.ts';

export function containerRoutes(router: Router<DockerHandler>): void {
  router
    .on('GET', '/containers/json', listContainers)
    .on('POST', '/containers/create', createContainer)
    .on('POST', '/containers/prune', pruneContainers)
    .on('GET', '/containers/{name}/json', inspectContainer)
    .on('POST', '/containers/{name}/start', start)
    .on('POST', '/containers/{name}/attach', attach)
    .on('POST', '/containers/{name}/wait', waitForContainer)
    .on('POST', '/containers/{name}/resize', resize)
    .on('GET', '/containers/{name}/logs', logs)
    .on('POST', '/containers/{name}/stop', stop)
    .on('POST', '/containers/{name}/kill', kill)
    .on('POST', '/containers/{name}/restart', restart)
    .on('POST', '/containers/{name}/pause', pause)
    .on('POST', '/containers/{name}/unpause', unpause)
    .on('POST', '/containers/{name}/rename', rename)
    .on('POST', '/containers/{name}/update', update)
    .on('DELETE', '/containers/{name}', remove)
    .on('GET', '/containers/{name}/top', top)
    .on('GET', '/containers/{name}/stats', stats)
    .on('HEAD', '/containers/{name}/archive', headArchive)
    .on('GET', '/containers/{name}/archive', getArchive)
    .on('PUT', '/containers/{name}/archive', putArchive)
    .on('GET', '/containers/{name}/changes', changes)
    .on('GET', '/containers/{name}/export', exportContainer)
    .on('POST', '/containers/{name}/exec', createExec)
    .on('POST', '/exec/{id}/start', startExec)
    .on('POST', '/exec/{id}/resize', resizeExec)
    .on('GET', '/exec/{id}/json', inspectExec);
}
