import type { RegistryCredentials } from '../../../images/remote/hosts.ts';
import { readFileBelow } from '../../../kernel/rooted.ts';
import { hasErrorCode, Problem } from '../../../lib/problem.ts';
import type { GrpcClient } from '../../grpc/grpc-client.ts';
import { GrpcError } from '../../grpc/grpc-error.ts';
import { Auth } from '../buildkit/gen/filesync_pb.ts';
import { Health } from '../buildkit/gen/health_pb.ts';
import { Secrets } from '../buildkit/gen/secrets_pb.ts';
import { Upload } from '../buildkit/gen/upload_pb.ts';
import { MirrorWriter } from './mirror-writer.ts';
import type { Mirrors } from './mirrors.ts';
import { type FileQuestion, receiveFiles } from './receive-files.ts';
import { type SendOptions, sendArchive, sendFolder } from './send-files.ts';
import { SshAgents } from './ssh-agents.ts';

/** What a client says of itself when it opens its session. */
export interface SessionFacts {
  uuid: string;
  name: string;
  /** The same for all builds of one folder; empty where the client has none. */
  sharedKey: string;
  /** Full names of the methods that it serves: `/moby.filesync.v1.FileSync/DiffCopy`. */
  methods: readonly string[];
}

/** Files of a client, held still until they are released. */
export interface LentFiles {
  folder: string;
  /** For what is learnt of them; stays with them. */
  states: string;
  /** So many had to be sent. */
  receivedBytes: number;
  release(): Promise<void>;
}

export interface OpenOptions extends Omit<FileQuestion, 'name'> {
  signal: AbortSignal;
  /** Told the bytes that have come. */
  watch?: ((bytes: number) => void) | undefined;
}

/** What BuildKit's clients answer where they have no such thing; the one of old answers `unknown`. */
const ABSENT = ['not-found', 'unknown', 'unimplemented'];
const HEALTH_EVERY_MS = 10_000;
const HEALTH_WITHIN_MS = 30_000;

/** What a client offers to a build for as long as its command runs: its files, secrets, agents, logins, and places for results. */
export class ClientSession {
  readonly facts: SessionFacts;
  /** Resolves when the client has gone, and nothing of the session is left. A client that doesn't answer has gone. */
  readonly closed: Promise<void>;
  readonly #client: GrpcClient;
  readonly #mirrors: Mirrors;
  readonly #agents: SshAgents;
  readonly #methods: ReadonlySet<string>;

  constructor(facts: SessionFacts, client: GrpcClient, mirrors: Mirrors) {
    this.facts = facts;
    this.#client = client;
    this.#mirrors = mirrors;
    this.#agents = new SshAgents(client);
    this.#methods = new Set(facts.methods.map((method) => method.toLowerCase()));
    this.closed = this.#serve();
  }

  close(): void {
    this.#client.close();
  }

  /**
   * Files of one of the client's folders, in a folder of ours: what it had when the same was asked last time is not sent
   * again. Whatever the client lists stays below that folder.
   * @throws Problem
   */
  async openContext(name: string, { signal, watch, ...rest }: OpenOptions): Promise<LentFiles> {
    if (!this.#offers('/moby.filesync.v1.FileSync/DiffCopy'))
      throw new Problem('invalid', 'the client of this build gives no files');
    const { sharedKey } = this.facts;
    const key =
      sharedKey === '' ? undefined : JSON.stringify([sharedKey, name, rest.followPaths ?? '*', rest.exclude ?? []]);
    const { tree, incoming, states, release } = await this.#mirrors.lease(key);
    const writer = new MirrorWriter(tree, incoming);
    try {
      const question = { name, ...rest };
      const receivedBytes = await receiveFiles(this.#client, question, writer, signal, watch ?? (() => undefined));
      return { folder: tree, states, receivedBytes, release: () => release(writer.bytes) };
    } catch (error) {
      writer.close();
      await release(writer.bytes);
      throw asProblem(error);
    }
  }

  /** The value of a secret; undefined when the client has none of that id. @throws Problem */
  async secret(id: string): Promise<Uint8Array | undefined> {
    if (!this.#offers('/moby.buildkit.secrets.v1.Secrets/GetSecret')) return undefined;
    return await orAbsent(async () => (await this.#client.unary(Secrets.method.getSecret, { id })).data);
  }

  /** A socket of ours that leads to an ssh agent of the client, as long as the session lasts; undefined when it has none. */
  async ssh(id: string): Promise<string | undefined> {
    if (!this.#offers('/moby.sshforward.v1.SSH/CheckAgent')) return undefined;
    return await this.#agents.socket(id);
  }

  /** Whom the client is logged in as at a registry. Always the same function, so that a build has its logins to itself. */
  readonly credentials = async (host: string): Promise<RegistryCredentials | undefined> => {
    if (!this.#offers('/moby.filesync.v1.Auth/Credentials')) return undefined;
    const name = host === 'docker.io' || host === 'index.docker.io' ? 'registry-1.docker.io' : host;
    return await orAbsent(async () => {
      const { username, secret } = await this.#client.unary(Auth.method.credentials, { host: name });
      if (secret === '') return undefined;
      return { username: username === '' ? '<token>' : username, password: secret };
    });
  };

  /** Writes a folder of ours to the folder that the client has chosen for its output. @throws Problem */
  async sendFolder(folder: string, options: SendOptions): Promise<void> {
    this.#requireOutput();
    await sendFolder(this.#client, folder, options).catch(rethrowAsProblem);
  }

  /** Writes an archive to the file that the client has chosen for its output. @throws Problem */
  async sendArchive(bytes: AsyncIterable<Uint8Array>, options: SendOptions): Promise<void> {
    this.#requireOutput();
    await sendArchive(this.#client, bytes, options).catch(rethrowAsProblem);
  }

  /** What the client has read from its standard input. @param path of the address that it gave for it */
  async *upload(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const stream = this.#client.stream(Upload.method.pull, {
      metadata: { urlpath: path, urlhost: UPLOAD_HOST },
      signal,
    });
    try {
      stream.end();
      for await (const { data } of stream.messages) yield data;
    } catch (error) {
      throw asProblem(error);
    } finally {
      stream.cancel();
    }
  }

  /** A small text file of one of the client's folders, with those that may stand in for it or go with it. */
  async readTexts(
    name: string,
    paths: readonly string[],
    limit: number,
    options: Pick<OpenOptions, 'signal' | 'watch'>,
  ): Promise<Map<string, string>> {
    const { folder, release } = await this.openContext(name, { ...options, followPaths: paths });
    try {
      const texts = new Map<string, string>();
      for (const path of paths) {
        const bytes = await readFileBelow(folder, path, limit).catch((error: unknown) => {
          if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
          if (!hasErrorCode(error, 'EFBIG', 'EINVAL', 'EISDIR')) throw error;
          throw new Problem('invalid', `failed to read ${path}: it is no text file of at most ${limit >> 20} MiB`);
        });
        if (bytes !== undefined) texts.set(path, bytes.toString('utf8'));
      }
      return texts;
    } finally {
      await release();
    }
  }

  async #serve(): Promise<void> {
    const timer = setInterval(() => this.#look(), HEALTH_EVERY_MS).unref();
    await this.#client.closed;
    clearInterval(timer);
    await this.#agents.close();
  }

  #offers(method: string): boolean {
    return this.#methods.has(method.toLowerCase());
  }

  #requireOutput(): void {
    if (!this.#offers('/moby.filesync.v1.FileSend/DiffCopy'))
      throw new Problem('invalid', 'the client of this build takes no output');
  }

  #look(): void {
    if (!this.#offers('/grpc.health.v1.Health/Check')) return;
    this.#client.unary(Health.method.check, {}, { timeout: HEALTH_WITHIN_MS }).catch(() => this.close());
  }
}

/** The host of addresses that mean a client's standard input. */
export const UPLOAD_HOST = 'buildkit-session';

async function orAbsent<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof GrpcError && ABSENT.includes(error.code)) return undefined;
    throw asProblem(error);
  }
}

function asProblem(error: unknown): unknown {
  if (!(error instanceof GrpcError)) return error;
  const gone = error.code === 'cancelled' || error.code === 'unavailable';
  return new Problem(gone ? 'cancelled' : 'failed', `the client of the build: ${error.message}`, { cause: error });
}

function rethrowAsProblem(error: unknown): never {
  throw asProblem(error);
}
