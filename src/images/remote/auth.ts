import { readSmall } from '../../lib/bytes.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Endpoint, RegistryCredentials, RegistryHosts } from './hosts.ts';
import { coversScopes, formatScopes, joinScopes, parseScopes, type Scopes } from './scopes.ts';
import type { Transport, TransportRequest } from './transport.ts';

interface Token {
  scopes: Scopes;
  /** Value of the Authorization header. */
  header: string;
  /** Milliseconds since 1970. */
  until: number;
}

/** A token is given up so long before its end, because the request that carries it needs time, too. Milliseconds. */
const MARGIN = 10_000;

/** What a token without `expires_in` lives (distribution's token specification). Seconds. */
const DEFAULT_LIFE = 60;

const TOKEN_LIMIT = 1 << 20;

/**
 * Who we are to other registries: the bearer token flow of distribution (GET, or POST where GET isn't served) and Basic.
 * Tokens are kept by server and scopes, and fetched once however many requests wait for one. Credentials go to the
 * registry that they are kept for and to the token service that this registry names, nowhere else.
 */
export class RegistryAuth {
  readonly #hosts: RegistryHosts;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #challenges = new Map<string, Challenge>();
  readonly #tokens = new Map<string, Token[]>();
  readonly #fetching = new SingleFlight<string, string>();

  constructor(hosts: RegistryHosts, transport: Transport, clock: Clock = systemClock) {
    this.#hosts = hosts;
    this.#transport = transport;
    this.#clock = clock;
  }

  /** The header for a request, where an earlier answer told what the server wants; it need not be right. */
  async header(endpoint: Endpoint, scopes: Scopes): Promise<string | undefined> {
    const challenge = this.#challenges.get(endpoint.origin);
    return challenge === undefined ? undefined : this.#answer(endpoint, challenge, scopes);
  }

  /**
   * After a 401: the header to try again with, or undefined when there is nothing better to offer.
   * @param used the header that was refused
   * @throws Problem `unauthenticated` when the token service refuses our credentials
   */
  async challenged(
    endpoint: Endpoint,
    wwwAuthenticate: string | undefined,
    scopes: Scopes,
    used: string | undefined,
  ): Promise<string | undefined> {
    const offered = parseChallenges(wwwAuthenticate ?? '');
    const challenge =
      offered.find(({ scheme }) => scheme === 'bearer') ?? offered.find(({ scheme }) => scheme === 'basic');
    if (challenge === undefined) return undefined;
    this.#challenges.set(endpoint.origin, challenge);
    this.#tokens.set(
      endpoint.origin,
      (this.#tokens.get(endpoint.origin) ?? []).filter((token) => token.header !== used),
    );
    const wanted = joinScopes(scopes, parseScopes(challenge.parameters.get('scope') ?? ''));
    const header = await this.#answer(endpoint, challenge, wanted);
    return header === used ? undefined : header;
  }

  async #answer(endpoint: Endpoint, challenge: Challenge, scopes: Scopes) {
    if (challenge.scheme === 'basic') {
      const credentials = await this.#hosts.credentials?.(endpoint.host);
      return credentials === undefined ? undefined : basic(credentials);
    }
    const kept = this.#tokens
      .get(endpoint.origin)
      ?.find((token) => token.until > this.#clock.now() && coversScopes(token.scopes, scopes));
    if (kept !== undefined) return kept.header;
    const key = [endpoint.origin, ...formatScopes(scopes)].join(' ');
    return this.#fetching.do(key, () => this.#fetch(endpoint, challenge, scopes));
  }

  /** Without a signal: others wait for the same token, and one who gives up must not take it from them. */
  async #fetch(endpoint: Endpoint, challenge: Challenge, scopes: Scopes): Promise<string> {
    const realm = tokenService(endpoint, challenge);
    const credentials = await this.#hosts.credentials?.(endpoint.host);
    if (credentials !== undefined && realm.protocol === 'http:' && endpoint.origin.startsWith('https:'))
      throw new Problem(
        'denied',
        `${endpoint.host} wants the password sent to ${realm.origin}, which is not encrypted`,
      );
    const parameters = new URLSearchParams();
    const service = challenge.parameters.get('service');
    if (service !== undefined) parameters.set('service', service);
    const wanted = formatScopes(scopes);
    const answer = await this.#ask(realm, parameters, wanted, credentials);
    const text = (await readSmall(answer.body, TOKEN_LIMIT)).toString('utf8');
    if (answer.status !== 200) throw refused(endpoint, realm, answer.status, credentials);
    const { token, life } = parseToken(text, realm);
    const header = `Bearer ${token}`;
    const now = this.#clock.now();
    const others = (this.#tokens.get(endpoint.origin) ?? []).filter((other) => other.until > now);
    const until = now + Math.max(life * 1000 - MARGIN, (life * 1000) / 2);
    this.#tokens.set(endpoint.origin, [...others, { scopes, header, until }]);
    return header;
  }

  async #ask(realm: URL, parameters: URLSearchParams, scopes: string[], credentials: RegistryCredentials | undefined) {
    const identity = credentials?.username === '<token>';
    if (!identity) {
      const url = new URL(realm);
      for (const [name, value] of parameters) url.searchParams.append(name, value);
      for (const scope of scopes) url.searchParams.append('scope', scope);
      const request: TransportRequest = { method: 'GET', url };
      if (credentials !== undefined) {
        url.searchParams.set('account', credentials.username);
        request.headers = { authorization: basic(credentials) };
      }
      const answer = await this.#transport.send(request);
      // Services that know only OAuth2 (RFC 6749) serve POST alone.
      if (credentials === undefined || (answer.status !== 404 && answer.status !== 405)) return answer;
      answer.body.resume();
    }
    const form = new URLSearchParams(parameters);
    form.set('client_id', 'slipway');
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    form.set('grant_type', identity ? 'refresh_token' : 'password');
    if (identity) form.set('refresh_token', credentials.password);
    else if (credentials !== undefined) {
      form.set('username', credentials.username);
      form.set('password', credentials.password);
    }
    const bytes = Buffer.from(form.toString());
    return this.#transport.send({
      method: 'POST',
      url: realm,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: { size: bytes.length, open: async () => oneChunk(bytes) },
    });
  }
}

export async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

function basic({ username, password }: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function tokenService(endpoint: Endpoint, challenge: Challenge): URL {
  const realm = challenge.parameters.get('realm') ?? '';
  if (!URL.canParse(realm, endpoint.origin) || realm === '')
    throw new Problem('unavailable', `${endpoint.host} names no usable token service: ${JSON.stringify(realm)}`);
  return new URL(realm, endpoint.origin);
}

function parseToken(text: string, realm: URL): { token: string; life: number } {
  let json: { token?: unknown; access_token?: unknown; expires_in?: unknown } = {};
  try {
    json = JSON.parse(text) as typeof json;
  } catch (error) {
    throw new Problem('unavailable', `${realm.origin} sent no token: ${messageOf(error)}`);
  }
  const token = json.token ?? json.access_token;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new Problem('unavailable', `${realm.origin} sent no token`);
  return { token, life: typeof json.expires_in === 'number' && json.expires_in > 0 ? json.expires_in : DEFAULT_LIFE };
}

function refused(
  endpoint: Endpoint,
  realm: URL,
  status: number,
  credentials: RegistryCredentials | undefined,
): Problem {
  if (status === 429) return new Problem('exhausted', `toomanyrequests: ${realm.origin} gives no more tokens for now`);
  if (status >= 500) return new Problem('unavailable', `the token service ${realm.origin} answered ${status}`);
  return credentials === undefined
    ? new Problem('unauthenticated', `unauthorized: ${endpoint.host} gives nothing to anonymous clients`, {
        hint: `Add credentials for ${endpoint.host} under registries.credentials in slipway.yaml.`,
      })
    : new Problem('unauthenticated', 'unauthorized: incorrect username or password', {
        hint: `Check the credentials for ${endpoint.host} under registries.credentials in slipway.yaml.`,
      });
}
