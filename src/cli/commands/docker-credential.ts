import { text } from 'node:stream/consumers';
import { Problem } from '../../lib/problem.ts';
import { apiCredentials } from '../api-client.ts';
import type { CliContext } from '../context.ts';
import { Unreachable } from '../unreachable.ts';
import { UsageProblem } from '../usage-problem.ts';

/** The words by which docker, podman and skopeo recognise "go on without" (docker-credential-helpers, client). */
const NOT_FOUND = 'credentials not found in native keychain';

/**
 * The credential helper protocol: `get` reads a host from standard input and answers `{"ServerURL","Username","Secret"}`.
 * Nothing is ever stored: the server makes a token of an hour each time. With $SLIPWAY_URL, the token of
 * $SLIPWAY_TOKEN_FILE answers for that host.
 */
export async function dockerCredential(context: CliContext, _options: object, operation: string): Promise<number> {
  switch (operation) {
    case 'get':
      return await get(context, (await text(process.stdin)).trim());
    case 'list':
      context.terminal.out('{}\n');
      return 0;
    case 'erase':
      await text(process.stdin);
      return 0;
    case 'store':
      await text(process.stdin);
      throw new Problem('unsupported', 'slipway keeps no credentials of others', {
        hint: 'Take "slipway" out of credHelpers for this host, and log in again.',
      });
    default:
      throw new UsageProblem(
        `docker-credential has no operation ${JSON.stringify(operation)}`,
        'It is get, store, erase or list.',
      );
  }
}

async function get(context: CliContext, server: string): Promise<number> {
  const host = URL.canParse(server) && server.includes('://') ? new URL(server).host : server.replace(/\/.*$/, '');
  const login = await loginFor(context, host);
  // clients read this sentence from standard output, and take any other failure for a broken helper
  if (login === undefined) context.terminal.out(`${NOT_FOUND}\n`);
  else
    context.terminal.out(`${JSON.stringify({ ServerURL: server, Username: login.username, Secret: login.secret })}\n`);
  return login === undefined ? 1 : 0;
}

async function loginFor(context: CliContext, host: string): Promise<{ username: string; secret: string } | undefined> {
  const remote = process.env['SLIPWAY_URL'];
  if (remote !== undefined) {
    const { url, token } = await apiCredentials(context);
    return new URL(url).host === host ? { username: 'slipway', secret: token } : undefined;
  }
  // the client's environment is ours: it started us
  const proxy = process.env['HTTPS_PROXY'] ?? process.env['https_proxy'];
  try {
    return (await context.server().call('registryLogin', { host, proxy })) ?? undefined;
  } catch (error) {
    // a client asks about every host that it knows; without a server there is nothing to say, and no reason to fail
    if (error instanceof Unreachable) return undefined;
    throw error;
  }
}
