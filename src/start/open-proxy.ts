import { join } from 'node:path';
import { CertificateAuthority } from '../doors/proxy/certificate-authority.ts';
import { type ProxyDoor, proxyDoor } from '../doors/proxy/door.ts';
import { certifiedHosts } from '../doors/proxy/served-hosts.ts';
import { log } from '../lib/log.ts';
import { messageOf } from '../lib/problem.ts';
import { isOwnHost, type OwnNames } from '../stores/registry/name.ts';
import type { HttpDoors } from './http-doors.ts';
import type { Owner } from './owner.ts';

export interface ProxyParts {
  owner: Owner;
  doors: HttpDoors;
  names: OwnNames;
  publicUrl: string;
  /** Without port. */
  listenHost: string;
}

/** Everything that comes encrypted: tunnels to the hosts that we stand for, and TLS on our own port. */
export async function openProxy({ owner, doors, names, publicUrl, listenHost }: ProxyParts): Promise<ProxyDoor> {
  const { host, hostname } = new URL(publicUrl);
  const own = [listenHost, hostname.replace(/^\[(.*)\]$/, '$1')].filter((name) => !/^(0\.0\.0\.0|::)$/.test(name));
  const authority = await CertificateAuthority.open(
    { certificate: owner.folder.ca, key: join(owner.folder.root, 'ca-key.pem') },
    certifiedHosts(own),
  );
  return proxyDoor({
    authority,
    handler: doors.handler,
    isOwnRegistry: (name) => isOwnHost(name, names),
    ownHosts: [host],
    grpc: (socket) => {
      doors
        .grpc(socket)
        .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'a connection of gRPC ended badly'));
    },
  });
}
