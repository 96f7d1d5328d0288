import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatGrantScope } from '../../auth/grant-scope.ts';
import type { Grant } from '../../auth/identity.ts';
import type { ControlService } from '../../doors/control/routes.ts';
import { writeDurably } from '../../lib/durable-file.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { isOwnHost, type OwnNames } from '../../stores/registry/name.ts';
import { DockerAuthority } from '../docker/docker-authority.ts';
import type { Owner } from '../owner.ts';
import { RegistrySettings } from '../registries.ts';

type TokenCalls = Pick<
  ControlService,
  'createToken' | 'registryLogin' | 'tokens' | 'revokeToken' | 'serviceAccountKey' | 'dockerCertificate'
>;

/** Who may do what, and how clients of this machine log in. */
export function tokenCalls(owner: Owner, url: string): TokenCalls {
  return {
    async createToken({ note, grants, expiresAt }) {
      const { info, secret } = await owner.tokens.create({ note, grants, expiresAt });
      return { id: info.id, secret };
    },
    async registryLogin({ host, proxy }) {
      if (!reachesUs(host, proxy, new RegistrySettings(owner.folder.config).ownNames(owner.config.listen))) return null;
      const access = await owner.tokens.accessTokenFor((await readFile(owner.folder.token, 'utf8')).trim());
      return access === undefined ? null : { username: 'oauth2accesstoken', secret: access.token };
    },
    async tokens() {
      return (await owner.tokens.list()).map(({ grants, ...token }) => ({
        ...token,
        grants: grants.map(describeGrant),
      }));
    },
    revokeToken: ({ id }) => owner.tokens.revoke(id),
    async dockerCertificate({ project, lifeMs }) {
      if (!/^[a-z0-9][a-z0-9.:-]{0,62}$/.test(project))
        throw new Problem('invalid', `${JSON.stringify(project)} is no project`, {
          hint: 'Projects are lower-case letters, digits and dashes.',
        });
      const authority = await DockerAuthority.open(owner.folder.root);
      return { ...authority.client(project, lifeMs), listen: owner.config.docker.listen };
    },
    serviceAccountKey: ({ project }) => serviceAccountKey(owner, url, project),
  };
}

/**
 * Whether a client that means `host` will speak to us. Names by a pattern (`*-docker.pkg.dev`) have a server of their own in
 * the world, which must not be shown our tokens: they are ours only for who goes through our proxy.
 */
function reachesUs(host: string, proxy: string | undefined, names: OwnNames): boolean {
  const certain = { ...names, hosts: names.hosts.filter((name) => !name.includes('*')) };
  if (isOwnHost(host, certain)) return true;
  const through = proxy !== undefined && URL.canParse(proxy) ? new URL(proxy).host : '';
  return isOwnHost(host, names) && isOwnHost(through, certain);
}

function describeGrant({ role, ...scope }: Grant): string {
  return `${role} of ${formatGrantScope(scope)}`;
}

/**
 * One key per project and address, kept for the next call: `slipway env` is run in every terminal. It is made anew when
 * the server's address has changed, because the key file names our token endpoint.
 */
async function serviceAccountKey(owner: Owner, url: string, project: string): Promise<{ email: string; key: string }> {
  const file = join(owner.folder.root, `service-account-${project.replaceAll(/[^a-z0-9-]/g, '_')}.json`);
  const tokenUri = `${url}/oauth2/token`;
  const kept = await readKept(file);
  if (
    kept !== undefined &&
    kept.token_uri === tokenUri &&
    (await owner.tokens.verify(JSON.stringify(kept))) !== undefined
  )
    return { email: kept.client_email, key: JSON.stringify(kept, null, 2) };
  const { key } = await owner.accounts.create({
    note: `slipway env, project ${project}`,
    project,
    grants: [{ role: 'admin', project: '*' }],
    tokenUri,
  });
  await writeDurably(file, JSON.stringify(key), 0o600);
  return { email: key.client_email, key: JSON.stringify(key, null, 2) };
}

async function readKept(file: string): Promise<{ token_uri: string; client_email: string } | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as { token_uri: string; client_email: string };
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
