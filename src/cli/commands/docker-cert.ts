import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeDurably } from '../../lib/durable-file.ts';
import type { CliContext } from '../context.ts';
import { withControl } from '../with-control.ts';

/** What a certificate of a docker client lives if nobody says otherwise. Milliseconds. */
const LIFE_MS = 365 * 24 * 60 * 60 * 1000;

/** Writes what a docker client needs to reach this server from another machine, as docker's DOCKER_CERT_PATH has it. */
export async function dockerCertificate(
  context: CliContext,
  options: { project: string; expires?: number },
  folder: string,
): Promise<number> {
  const { project, expires: lifeMs = LIFE_MS } = options;
  const target = resolve(folder);
  const made = await withControl(context, (control) => control.call('dockerCertificate', { project, lifeMs }));
  await mkdir(target, { recursive: true, mode: 0o700 });
  await writeDurably(join(target, 'key.pem'), made.key, 0o600);
  await writeDurably(join(target, 'cert.pem'), made.cert, 0o644);
  await writeDurably(join(target, 'ca.pem'), made.ca, 0o644);
  const host = made.listen ?? 'HOST:2376';
  context.terminal.out(
    `export DOCKER_HOST=tcp://${host}\nexport DOCKER_TLS_VERIFY=1\nexport DOCKER_CERT_PATH=${target}\n`,
  );
  if (made.listen === undefined)
    context.terminal.err('The server takes docker clients from other machines with docker.listen in slipway.yaml.\n');
  return 0;
}
