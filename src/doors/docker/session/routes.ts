import type { IncomingHttpHeaders } from 'node:http';
import type { Router } from '../../http/router.ts';
import type { DockerCall, DockerHandler } from '../call.ts';
import { DockerError } from '../errors.ts';
import { sessionsOf } from './sessions.ts';

/** `POST /session`: the roles change over, and the client serves what a build wants from it. */
export function sessionRoutes(router: Router<DockerHandler>): void {
  router.on('POST', '/session', openSession);
}

async function openSession(call: DockerCall): Promise<void> {
  const { headers } = call.request;
  const uuid = one(headers, 'x-docker-expose-session-uuid');
  if ((headers.upgrade ?? '').toLowerCase() !== 'h2c')
    throw new DockerError(400, 'protocol h2c is expected: no upgrade');
  if (uuid === '') throw new DockerError(400, 'X-Docker-Expose-Session-Uuid is missing');
  const facts = {
    uuid,
    name: one(headers, 'x-docker-expose-session-name'),
    sharedKey: one(headers, 'x-docker-expose-session-sharedkey'),
    methods: one(headers, 'x-docker-expose-session-grpc-method').split(/,\s*/),
  };
  const socket = call.hijack({ upgrade: 'h2c' });
  await sessionsOf(call.house).serve(facts, socket);
}

function one(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? value.join(', ') : value) ?? '';
}
