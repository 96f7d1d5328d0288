import { posix } from 'node:path';
import { once } from '../../lib/bytes.ts';
import { Problem } from '../../lib/problem.ts';
import { isOwnHost } from '../../stores/registry/name.ts';
import type { GsutilSession } from '../gsutil/session.ts';
import { flagsOf, type GcloudCommand } from './command.ts';

const LIMIT = 1 << 20;

/** `gcloud config set KEY VALUE`, into the file that Google's SDK in a later step reads. */
export const set: GcloudCommand = {
  flags: flagsOf('switch', 'installation'),
  args: { min: 2, max: 2 },
  async run(flags, session) {
    const { section, name } = propertyOf(flags.args[0] ?? '');
    const file = fileOf(session);
    const lines = (await textOf(file, session)).split('\n').filter((line) => line !== '');
    const head = `[${section}]`;
    const at = lines.indexOf(head);
    const entry = `${name} = ${flags.args[1]}`;
    if (at < 0) lines.push(head, entry);
    else {
      const next = lines.findIndex((line, i) => i > at && line.startsWith('['));
      const end = next < 0 ? lines.length : next;
      const old = lines.findIndex((line, i) => i > at && i < end && line.split('=')[0]?.trim() === name);
      lines.splice(old < 0 ? at + 1 : old, old < 0 ? 0 : 1, entry);
    }
    await session.files.replace(file, once(Buffer.from(`${lines.join('\n')}\n`)));
    session.err(`Updated property [${section}/${name}].`);
    return 0;
  },
};

/** `gcloud config get-value KEY`, of what was set, and else the build's project. */
export const getValue: GcloudCommand = {
  flags: [],
  args: { min: 1, max: 1 },
  async run(flags, session) {
    const { section, name } = propertyOf(flags.args[0] ?? '');
    const text = await textOf(fileOf(session), session);
    const inside = text.split(`[${section}]\n`)[1]?.split('\n[')[0] ?? '';
    const found = new RegExp(`^${name} *= *(.*)$`, 'm').exec(inside)?.[1];
    const value = found ?? (`${section}/${name}` === 'core/project' ? session.caller.project : undefined);
    if (value === undefined) session.err('(unset)');
    else session.out(value);
    return 0;
  },
};

/** `gcloud auth configure-docker HOSTS` is done for the hosts that we serve; for others it names a program of the SDK. */
export const configureDocker: GcloudCommand = {
  flags: flagsOf('switch', 'include-artifact-registry'),
  args: { min: 0, max: 1 },
  async run(flags, session) {
    const hosts = (flags.args[0] ?? 'gcr.io').split(',');
    for (const host of hosts) {
      const foreign = !isOwnHost(host, session.ownNames);
      session.err(`Adding credentials for: ${host}`);
      if (foreign)
        session.err(
          `WARNING: ${host} is not served by this server; its credentials belong into slipway.yaml (registries.credentials).`,
        );
    }
    session.err('Docker configuration file updated.');
    return 0;
  },
};

/** `project` is `core/project`. */
function propertyOf(text: string): { section: string; name: string } {
  const match = /^(?:([a-z_]+)\/)?([a-z_]+)$/.exec(text);
  if (match === null) throw new Problem('invalid', `Invalid property: ${text}`);
  return { section: match[1] ?? 'core', name: match[2] ?? '' };
}

function fileOf({ env }: GsutilSession): string {
  const folder = env['CLOUDSDK_CONFIG'] || posix.join(env['HOME'] || '/builder/home', '.config/gcloud');
  return posix.join(folder, 'configurations/config_default');
}

async function textOf(file: string, { files }: GsutilSession): Promise<string> {
  try {
    return (await files.readSmall(file, LIMIT)).toString('utf8');
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return '';
    throw error;
  }
}
