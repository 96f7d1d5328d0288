import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerMount } from '../../containers/container.ts';
import type { ServedBuild } from './build-deps.ts';

/** Where SSL_CERT_DIR of a step begins: Go and OpenSSL read the folders of the image beside it. */
export const TRUST_FOLDER = '/builder/trust';

/**
 * Lets the programs of a step trust our own registry hosts, and no other: for podman, skopeo and buildah in the folder that
 * they keep for a single host, for programs in Go by `TRUST_FOLDER`. Nothing of it gets into the image's own store.
 * @param scratch folder of the step
 */
export async function trustMounts(
  { pem, hosts }: NonNullable<ServedBuild['authority']>,
  scratch: string,
): Promise<ContainerMount[]> {
  const folder = join(scratch, 'trust');
  await mkdir(folder, { mode: 0o755 });
  await writeFile(join(folder, 'ca.crt'), pem, { mode: 0o644 });
  const bind = { kind: 'bind', source: folder, readonly: true } as const;
  return [
    { ...bind, target: TRUST_FOLDER },
    ...hosts.map((host) => ({ ...bind, target: `/etc/containers/certs.d/${host}` })),
  ];
}
