import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface RegistryAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Sending {
  /** A list is sent as several lines of the same name. */
  headers?: Record<string, string | string[]> | undefined;
  body?: Buffer | undefined;
  /** Without a length, in HTTP's chunks. */
  streamed?: boolean | undefined;
  /** The secret of a token; absent for nobody's request. */
  secret?: string | undefined;
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/** One request to a registry and its whole answer; nothing is followed, repeated or thrown away. */
export function callRegistry(
  host: string,
  method: string,
  path: string,
  sending: Sending = {},
): Promise<RegistryAnswer> {
  const { body, secret, streamed } = sending;
  const headers: Record<string, string | string[] | number> = { ...sending.headers };
  if (secret !== undefined) headers['Authorization'] = `Basic ${Buffer.from(`anybody:${secret}`).toString('base64')}`;
  if (streamed) headers['Transfer-Encoding'] = 'chunked';
  else if (body !== undefined || ['POST', 'PUT', 'PATCH'].includes(method))
    headers['Content-Length'] = body?.length ?? 0;
  const { hostname, port } = new URL(`http://${host}`);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
