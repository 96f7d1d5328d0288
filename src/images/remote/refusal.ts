import { readSmall } from '../../lib/bytes.ts';
import { hasErrorCode, messageOf, Problem, type ProblemCode } from '../../lib/problem.ts';
import type { Endpoint } from './hosts.ts';
import { type Answer, isBrokenConnection } from './transport.ts';

/** What a request was about, for the complaint. */
export interface Purpose {
  endpoint: Endpoint;
  /** The name as docker shows it: `python:3`, `HOST/P/R/app:1`. */
  subject: string;
  action: 'pull' | 'push';
}

interface RegistryError {
  code: string;
  message: string;
}

const BODY_LIMIT = 64 * 1024;

/** A refusal as a Problem, with docker's text where docker has one (its translatePullError). Reads the answer's body. */
export async function refusalOf(answer: Answer, purpose: Purpose): Promise<Problem> {
  const [first] = await registryErrors(answer);
  const { subject, action, endpoint } = purpose;
  const said = first === undefined ? '' : `${first.code.toLowerCase().replaceAll('_', ' ')}: ${first.message}`;
  const status = answer.status;
  if (status === 401 || status === 403) {
    const reason = said === '' ? 'denied: requested access to the resource is denied' : said;
    const code: ProblemCode = status === 401 ? 'unauthenticated' : 'denied';
    return action === 'push'
      ? new Problem(code, reason, { hint: loginHint(endpoint) })
      : new Problem(
          code,
          `pull access denied for ${subject}, repository does not exist or may require 'docker login': ${reason}`,
          { hint: loginHint(endpoint) },
        );
  }
  if (status === 404) {
    if (first?.code === 'NAME_UNKNOWN') return new Problem('not-found', `repository ${subject} not found: ${said}`);
    if (action === 'pull')
      return new Problem(
        'not-found',
        `manifest for ${subject} not found: ${said || 'manifest unknown: manifest unknown'}`,
        {
          hint: `${endpoint.host} has no such tag or digest. Check the spelling, and whether it was removed.`,
        },
      );
    return new Problem('not-found', said || `${endpoint.host} does not know ${subject}`);
  }
  if (status === 429)
    return new Problem('exhausted', said || `toomanyrequests: ${endpoint.host} wants fewer requests`, {
      hint: `Wait, add credentials for ${endpoint.host}, or set a mirror under registries.mirrors in slipway.yaml.`,
    });
  if (status === 416 || status < 400 || status >= 500)
    return new Problem(
      'unavailable',
      `received unexpected HTTP status: ${status}${said === '' ? '' : `: ${said}`} from ${answer.url.origin}`,
    );
  return new Problem(status === 413 ? 'exhausted' : 'invalid', said || `${endpoint.host} answered ${status}`);
}

function loginHint(endpoint: Endpoint): string {
  return `If the repository exists, add credentials for ${endpoint.host} under registries.credentials in slipway.yaml.`;
}

/** The list that distribution-spec prescribes ("Error codes"); empty when the body is something else. */
export async function registryErrors(answer: Answer): Promise<RegistryError[]> {
  try {
    const json = JSON.parse((await readSmall(answer.body, BODY_LIMIT)).toString('utf8')) as { errors?: unknown };
    const list = Array.isArray(json.errors) ? (json.errors as { code?: unknown; message?: unknown }[]) : [];
    return list
      .filter((entry) => typeof entry?.code === 'string')
      .map((entry) => ({ code: String(entry.code), message: String(entry.message ?? '') }));
  } catch {
    answer.body.destroy(); // a page of HTML or a broken body: the status has to do
    return [];
  }
}

/** A connection that failed, in the words of docker (which are Go's); anything else comes back as it is. */
export function connectionProblem(error: unknown, endpoint: Endpoint): unknown {
  if (error instanceof Problem) return error;
  const get = `Get "${endpoint.origin}/v2/"`;
  const url = new URL(endpoint.origin);
  const problem = (text: string, hint: string) => new Problem('unavailable', `${get}: ${text}`, { hint, cause: error });
  if (hasErrorCode(error, 'ECONNREFUSED'))
    return problem(
      `dial tcp ${addressOf(error) ?? url.host}: connect: connection refused`,
      `Nothing listens there. Is ${endpoint.host} the right host, and is it running?`,
    );
  if (hasErrorCode(error, 'ENOTFOUND', 'EAI_AGAIN'))
    return problem(
      `dial tcp: lookup ${url.hostname}: no such host`,
      `Check the name and this machine's DNS, or set a mirror for ${endpoint.host} under registries.mirrors in slipway.yaml.`,
    );
  if (hasErrorCode(error, 'EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'))
    return problem(
      'http: server gave HTTP response to HTTPS client',
      `If ${endpoint.host} speaks plain HTTP on purpose, add it to registries.plainHttp in slipway.yaml.`,
    );
  if (isCertificateError(error))
    return problem(
      `tls: failed to verify certificate: ${messageOf(error)}`,
      'Give Node the authority that signed it: NODE_EXTRA_CA_CERTS=/path/to/ca.pem.',
    );
  if (isBrokenConnection(error) || hasErrorCode(error, 'HPE_INVALID_CONSTANT'))
    return problem(messageOf(error), 'The connection broke several times. Try again later.');
  return error;
}

function addressOf(error: unknown): string | undefined {
  // Node tries IPv6 and IPv4 side by side, and wraps the errors of both.
  const inner: unknown = error instanceof AggregateError ? error.errors.at(-1) : error;
  const { address, port } = inner as { address?: string; port?: number };
  return address === undefined ? undefined : `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function isCertificateError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code);
}
