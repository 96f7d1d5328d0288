import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { dirname, posix } from 'node:path';
import { Digester } from '../../images/digest.ts';
import type { Answer, Transport } from '../../images/remote/transport.ts';
import { formatBytes } from '../../lib/bytes.ts';
import { diskProblem, RESERVE_BYTES, requireSpace, SpaceGuard } from '../../lib/disk-problem.ts';
import { hasErrorCode, messageOf, Problem } from '../../lib/problem.ts';
import type { Watch } from '../progress.ts';
import { shownUrl } from './shown-url.ts';
import type { RememberedFile, WebMemory } from './web-memory.ts';

export interface WebRequest {
  url: string;
  /** `sha256:...`, `sha384:...` or `sha512:...` of the bytes. */
  checksum?: string | undefined;
  signal: AbortSignal;
  watch?: Watch | undefined;
}

export interface WebFile extends RememberedFile {
  contentType: string | undefined;
}

/** Files behind http and https, streamed to disk and remembered, so that what did not change is not fetched again. */
export class WebFiles {
  readonly #transport: Transport;
  readonly #memory: WebMemory;

  constructor(transport: Transport, memory: WebMemory) {
    this.#transport = transport;
    this.#memory = memory;
  }

  /**
   * What is behind an address, as far as that is known without its bytes: by the checksum that it has to have, or because
   * the server says that it is what it was. Else it is fetched.
   * @returns whether the bytes are in the file now
   * @throws as `fetch`
   */
  async look(request: WebRequest, file: string): Promise<{ known: RememberedFile; fetched: boolean }> {
    const { url, checksum, signal } = request;
    const known = await this.#memory.find(url);
    if (checksum !== undefined && known?.digest === checksum) return { known, fetched: false };
    const headers: Record<string, string> = {};
    if (known?.etag !== undefined) headers['if-none-match'] = known.etag;
    if (known?.lastModified !== undefined) headers['if-modified-since'] = known.lastModified;
    const answer = await this.#ask(url, headers, signal);
    if (known === undefined || answer.status !== 304)
      return { known: await this.#take(answer, request, file), fetched: true };
    answer.body.resume();
    return { known, fetched: false };
  }

  /**
   * Writes what is behind an address to a new file.
   * @throws Problem `not-found`, `denied`, `unavailable`, `invalid` (the checksum), `exhausted`, `timeout`, `cancelled`
   */
  async fetch(request: WebRequest, file: string): Promise<WebFile> {
    return await this.#take(await this.#ask(request.url, {}, request.signal), request, file);
  }

  async #take(answer: Answer, request: WebRequest, file: string): Promise<WebFile> {
    const { url } = request;
    if (answer.status !== 200) {
      answer.body.resume();
      throw refused(url, answer.status);
    }
    const digest = await this.#write(answer, request, file);
    const lastModified = answer.header('last-modified');
    const modifiedMs = Date.parse(lastModified ?? '');
    const fetched: RememberedFile = {
      ...digest,
      name: nameOf(url, answer.header('content-disposition')),
      modifiedMs: Number.isNaN(modifiedMs) ? 0 : modifiedMs,
      etag: answer.header('etag'),
      lastModified,
    };
    await this.#memory.save(url, fetched);
    return { ...fetched, contentType: answer.header('content-type') };
  }

  async #ask(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    try {
      return await this.#transport.send({ method: 'GET', url: new URL(url), headers, signal });
    } catch (error) {
      if (error instanceof Problem && error.code !== 'denied') throw error;
      if (error instanceof Problem)
        throw new Problem('denied', error.message, { hint: INNER_ADDRESS_HINT, cause: error });
      const message = `${shownUrl(url)} can't be fetched: ${messageOf(error)}`;
      throw new Problem('unavailable', message, {
        hint: hasErrorCode(error, 'ENOTFOUND', 'EAI_AGAIN') ? 'Is the name of the host right?' : undefined,
        cause: error,
      });
    }
  }

  async #write(
    answer: Answer,
    { url, checksum, watch }: WebRequest,
    file: string,
  ): Promise<Pick<RememberedFile, 'digest' | 'size'>> {
    const declared = answer.header('content-length');
    const expected = declared === undefined ? undefined : Number(declared);
    const digester = new Digester();
    const algorithm = checksum?.slice(0, checksum.indexOf(':')) ?? 'sha256';
    const other = algorithm === 'sha256' ? undefined : createHash(algorithm);
    try {
      const folder = dirname(file);
      if (expected !== undefined) await requireSpace(folder, expected, RESERVE_BYTES);
      const space = new SpaceGuard(folder, RESERVE_BYTES);
      const target = await open(file, 'wx', 0o600);
      try {
        for await (const chunk of answer.body as AsyncIterable<Buffer>) {
          digester.update(chunk);
          other?.update(chunk);
          await space.take(chunk.length);
          await target.appendFile(chunk);
          watch?.(shownUrl(url), digester.size, expected, false);
        }
      } finally {
        await target.close();
      }
    } catch (error) {
      answer.body.destroy();
      if (error instanceof Problem) throw error;
      const full = diskProblem(error, file);
      if (full !== error) throw full;
      const message = `${shownUrl(url)} broke off after ${formatBytes(digester.size)}: ${messageOf(error)}`;
      throw new Problem('unavailable', message, { cause: error });
    }
    const { size } = digester;
    watch?.(shownUrl(url), size, size, true);
    const digest = digester.finish();
    const found = other === undefined ? digest : `${algorithm}:${other.digest('hex')}`;
    if (checksum !== undefined && found !== checksum)
      throw new Problem('invalid', `digest mismatch ${found}: ${checksum}`, {
        hint: `What ${shownUrl(url)} gives (${formatBytes(size)}) has another checksum than the Dockerfile wants. If the new file is the right one, write --checksum=${found}.`,
      });
    return { digest, size };
  }
}

/** Said wherever the address guard refuses what a build fetches by itself. */
export const INNER_ADDRESS_HINT =
  "Loopback, link-local and private addresses are refused unless slipway.yaml names the host, as the address writes it: fetch.allowHosts: [git.lab, '10.0.0.5:8080']. The server reads it at its start.";

function refused(url: string, status: number): Problem {
  const code = status === 404 || status === 410 ? 'not-found' : status < 500 ? 'denied' : 'unavailable';
  return new Problem(code, `${shownUrl(url)}: the server answers ${status}`, {
    hint:
      status === 401 || status === 403
        ? 'It wants credentials, which a build sends only where the address holds them.'
        : undefined,
  });
}

/** The last part of the path, or what Content-Disposition says (RFC 6266); undefined when neither is a file's name. */
function nameOf(url: string, disposition: string | undefined): string | undefined {
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  const said = /filename\*?=(?:UTF-8'')?(?:"([^"]*)"|([^;\s]+))/i.exec(disposition ?? '');
  for (const name of [decoded(last), decoded(posix.basename(said?.[1] ?? said?.[2] ?? ''))])
    if (name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)) return name;
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
