import type { IncomingMessage } from 'node:http';
import { sendBytes } from '../http/answer.ts';
import type { NodeHandler } from '../http/door.ts';
import { localAddress } from './local-address.ts';

/**
 * Takes requests as a proxy gets them, `GET http://host/path`, when the host is ourselves or one that we stand for: gcloud
 * with a proxy set sends those even to our own plain port. The URI's host counts, whatever `Host` says (RFC 9112, 3.2.2).
 * Everything else passes unchanged.
 */
export function originForm(
  handler: NodeHandler,
  serves: (host: string) => boolean,
  ownHosts: readonly string[],
): NodeHandler {
  return (request, response) => {
    const match = /^http:\/\/([^/?#]*)(.*)$/i.exec(request.url ?? '');
    if (match === null) return handler(request, response);
    const [, host = '', rest = ''] = match;
    const name = host.toLowerCase();
    if (!serves(name.replace(/:80$/, '')) && !ownHosts.includes(name) && !isListener(request, name)) {
      const text = `Slipway is no way to http://${name}: its proxy serves only itself and the hosts it stands for.\n`;
      return sendBytes(response, 403, text, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
    }
    request.url = rest.startsWith('/') ? rest : `/${rest}`;
    request.headers.host = host;
    return handler(request, response);
  };
}

/** Whether the client named the very address and port that it is connected to. */
export function isListener(request: IncomingMessage, host: string): boolean {
  const { localPort } = request.socket;
  const address = localAddress(request.socket);
  const names = [address.includes(':') ? `[${address}]` : address, 'localhost'];
  return names.some((name) => host === `${name}:${localPort}` || (localPort === 80 && host === name));
}
