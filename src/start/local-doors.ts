import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DiskUploads } from '../adapters/disk/disk-uploads.ts';
import { logBucketName } from '../adapters/disk/log-bucket-name.ts';
import type { DoorContext } from '../doors/http/door.ts';
import { SERVER_LIMITS } from '../doors/http/server-limits.ts';
import { CertificateAuthority } from '../doors/proxy/certificate-authority.ts';
import { certifiedHosts } from '../doors/proxy/served-hosts.ts';
import { registryDoor } from '../doors/registry/door.ts';
import { servesStorage, storageDoor } from '../doors/storage/door.ts';
import { ResumableUploads } from '../stores/buckets/resumable-uploads.ts';
import { SourceStore } from '../stores/sources/source-store.ts';
import { MirrorNames } from '../stores/upstream/mirror-names.ts';
import { closeServer, listenOn } from './listen.ts';
import type { Owner } from './owner.ts';
import { RegistrySettings } from './registries.ts';

/**
 * Registry and buckets over HTTP for the steps of one build where no server runs: on loopback, for whoever has a token, which
 * the build has. Its certificates come from the data folder's authority, which is made where there is none.
 */
export async function openLocalDoors(owner: Owner): Promise<{ address: string; close(): Promise<void> }> {
  const { stores, folder, config } = owner;
  const authority = { certificate: folder.ca, key: join(folder.root, 'ca-key.pem') };
  if (!existsSync(authority.certificate)) await CertificateAuthority.open(authority, certifiedHosts([]));
  const context: DoorContext = { authenticator: owner.tokens, requireToken: true };
  const registries = new RegistrySettings(folder.config);
  const registry = registryDoor({
    store: stores.registry,
    pulls: owner.pulls,
    mirrors: new MirrorNames(stores.repositories, () => registries.current),
    content: stores.content,
    uploads: new DiskUploads({ folder: folder.uploads, content: stores.content }),
    tokens: owner.tokens,
    context,
    names: registries.ownNames(config.listen),
    link: undefined,
    isPublic: async (name) => (await stores.repositories.get(name))?.anonymousPull === true,
  });
  const storage = storageDoor({
    buckets: stores.objects,
    uploads: new ResumableUploads(join(folder.content, 'bucket-uploads'), stores.objects),
    sources: new SourceStore(stores.sources, stores.content),
    logs: { bucket: await logBucketName(folder.root), projectOf: async () => undefined },
    context,
  });
  const server = createServer(SERVER_LIMITS, (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const door = servesStorage(request.headers.host, path) ? storage : registry;
    door(request, response);
  });
  const { host, port } = await listenOn(server, '127.0.0.1:0');
  return { address: `${host}:${port}`, close: () => closeServer(server) };
}
