import { connect } from 'node:net';

export interface RawAnswer {
  /** 0 when the server ended the connection without a word. */
  status: number;
  text: string;
}

/** Sends bytes as they are, which an HTTP client would refuse to, and reads until the server ends the connection. */
export function sendRaw(host: string, bytes: Buffer, patienceMs = 10_000): Promise<RawAnswer> {
  const { hostname, port } = new URL(`http://${host}`);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('the server neither answers nor hangs up')));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') finish();
      else reject(error);
    });
    socket.once('end', () => finish());
    const finish = () => {
      socket.destroy();
      const text = Buffer.concat(chunks).toString('latin1');
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
  });
}

/** A request of any parts; its length is told truly, so that what is tried is the registry and not the parser. */
export function requestBytes(
  method: string,
  path: string,
  headers: readonly (readonly [name: string, value: string])[],
  body: Buffer,
): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const head = [...lines, `Content-Length: ${body.length}`, 'Connection: close', '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}
