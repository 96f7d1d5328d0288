import type { Router } from '../../http/router.ts';
import type { DockerHandler } from '../call.ts';
import { loadArchive, saveImage, saveImages } from './archives.ts';
import { commit } from './commit.ts';
import { createImage } from './create.ts';
import { distribution } from './distribution.ts';
import { history } from './history.ts';
import { inspectImage } from './inspect.ts';
import { listImages } from './list.ts';
import { pruneImages } from './prune.ts';
import { push } from './push.ts';
import { removeImage } from './remove.ts';
import { search } from './search.ts';
import { tag } from './tag.ts';

/** Names have slashes in them, so words of ours come first and last. */
export function imageRoutes(router: Router<DockerHandler>): void {
  router
    .on('GET', '/images/json', listImages)
    .on('GET', '/images/search', search)
    .on('GET', '/images/get', saveImages)
    .on('POST', '/images/load', loadArchive)
    .on('POST', '/images/create', createImage)
    .on('POST', '/images/prune', pruneImages)
    .on('GET', '/images/{name+}/json', inspectImage)
    .on('GET', '/images/{name+}/history', history)
    .on('GET', '/images/{name+}/get', saveImage)
    .on('POST', '/images/{name+}/tag', tag)
    .on('POST', '/images/{name+}/push', push)
    .on('DELETE', '/images/{name+}', removeImage)
    .on('GET', '/distribution/{name+}/json', distribution)
    .on('POST', '/commit', commit);
}
