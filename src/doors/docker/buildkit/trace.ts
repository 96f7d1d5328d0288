import { createHash, randomUUID } from 'node:crypto';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { BuildEvent } from '../../../engine/events.ts';
import { sourceOf } from './error-source.ts';
import {
  StatusResponseSchema,
  type VertexLogSchema,
  type VertexSchema,
  type VertexStatusSchema,
  type VertexWarningSchema,
} from './gen/trace_pb.ts';

type Of<K extends BuildEvent['kind']> = Extract<BuildEvent, { kind: K }>;
type VertexRecord = MessageInitShape<typeof VertexSchema>;

/** What has gathered for so long leaves in one message. Milliseconds; a person sees no difference. */
const GATHERED_MS = 30;
/** BuildKit's clients show a vertex whose error ends with this as cancelled. */
const CANCELLED = 'context canceled';
type VertexItem = MessageInitShape<typeof VertexStatusSchema>;

const STREAMS = { stdout: 1n, stderr: 2n };

interface Open {
  digest: string;
  name: string;
  started: Timestamp;
  /** Bytes on their way: the last report of each, with the time of its first. */
  items: Map<string, VertexItem>;
}

/**
 * BuildEvents as BuildKit tells of them: vertices with the times of their beginning and end, statuses of bytes on their way,
 * logs and warnings. How they look is the client's.
 */
export class Trace {
  readonly #send: (message: Uint8Array) => void;
  readonly #now: () => number;
  /** Digests have to be this build's own: a client merges builds (of bake) by them. */
  readonly #seed = randomUUID();
  readonly #open = new Map<number, Open>();
  /** The image's export, whose end waits for the names, which BuildKit tells as parts of it. */
  #export: { vertex: Open; completed: Timestamp } | undefined;
  /** Warnings belong to a vertex: that of the Dockerfile, or the first. */
  #definition: string | undefined;
  #gathered: Gathered = nothing();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param send gets a StatusResponse in its bytes
   * @param now milliseconds since 1970
   */
  constructor(send: (message: Uint8Array) => void, now: () => number) {
    this.#send = send;
    this.#now = now;
  }

  readonly listen = (event: BuildEvent): void => {
    if (event.kind === 'vertex') this.#vertex(event);
    else if (event.kind === 'output') this.#output(event);
    else if (event.kind === 'note') this.#note(event);
    else if (event.kind === 'status') this.#status(event);
    else if (event.kind === 'end') this.#end(event);
    else if (event.kind === 'warning') this.#warning(event);
  };

  /** The end of the build: what still runs was cancelled. Everything is sent when it returns. */
  finish(): void {
    this.#exported();
    for (const vertex of this.#open.values()) this.#record(vertex, { completed: this.#at(), error: CANCELLED });
    this.#open.clear();
    this.#flush();
  }

  #vertex({ id, name }: Of<'vertex'>): void {
    if (this.#export !== undefined && name.startsWith('naming to ')) {
      this.#told(this.#export.vertex, name);
      this.#export.completed = this.#at();
      return;
    }
    this.#exported();
    const digest = `sha256:${createHash('sha256').update(`${this.#seed}/${id}`).digest('hex')}`;
    const vertex: Open = { digest, name, started: this.#at(), items: new Map() };
    this.#open.set(id, vertex);
    this.#definition ??= digest;
    this.#record(vertex, {});
  }

  /** Nothing more is told of the image's export. */
  #exported(): void {
    if (this.#export !== undefined) this.#record(this.#export.vertex, { completed: this.#export.completed });
    this.#export = undefined;
  }

  #output({ id, stream, text }: Of<'output'>): void {
    const vertex = this.#open.get(id)?.digest;
    if (vertex === undefined) return;
    this.#gathered.logs.push({ vertex, stream: STREAMS[stream], msg: Buffer.from(text), timestamp: this.#at() });
    this.#soon();
  }

  #note({ id, text }: Of<'note'>): void {
    const vertex = this.#open.get(id);
    const [, done] = /^(.*) done$/s.exec(text) ?? [];
    if (done === undefined) this.#output({ kind: 'output', id, stream: 'stdout', text: `${text}\n` });
    else if (vertex !== undefined) this.#told(vertex, done);
  }

  #status({ id, item, current, total = 0, done }: Of<'status'>): void {
    const vertex = this.#open.get(id);
    if (vertex === undefined) return;
    const timestamp = this.#at();
    const started = vertex.items.get(item)?.started ?? timestamp;
    const report: VertexItem = {
      id: item,
      vertex: vertex.digest,
      current: BigInt(current),
      total: BigInt(total),
      timestamp,
      started,
    };
    if (done) vertex.items.delete(item);
    else vertex.items.set(item, report);
    this.#gathered.statuses.push(done ? { ...report, completed: timestamp } : report);
    this.#soon();
  }

  #end({ id, status, reason = 'failed' }: Of<'end'>): void {
    const vertex = this.#open.get(id);
    this.#open.delete(id);
    if (vertex === undefined) return;
    const completed = this.#at();
    // to the client a vertex has not ended before all of these have
    for (const item of vertex.items.values())
      this.#gathered.statuses.push({ ...item, timestamp: completed, completed });
    if (status === 'done' && vertex.name === 'exporting to image' && this.#export === undefined)
      this.#export = { vertex, completed };
    else if (status === 'done') this.#record(vertex, { completed });
    else if (status === 'cached') this.#record(vertex, { completed, cached: true });
    else this.#record(vertex, { completed, error: status === 'cancelled' ? CANCELLED : reason });
  }

  #warning({ rule, message, place, fix }: Of<'warning'>): void {
    const source = sourceOf(place);
    const line = place.ranges[0]?.line;
    this.#gathered.warnings.push({
      vertex: this.#definition ?? '',
      level: 1n,
      short: Buffer.from(`${rule}: ${message}${line === undefined ? '' : ` (line ${line})`}`),
      detail: fix === undefined ? [] : [Buffer.from(fix.text)],
      ...(source === undefined ? {} : source),
    });
    this.#soon();
  }

  /** Something that is over with its words, behind which the client puts a `done`. */
  #told(vertex: Open, id: string): void {
    const timestamp = this.#at();
    this.#gathered.statuses.push({
      id,
      vertex: vertex.digest,
      timestamp,
      started: timestamp,
      completed: timestamp,
    });
    this.#soon();
  }

  /** A vertex is told once per message, as it is then. */
  #record(vertex: Open, end: VertexRecord): void {
    const { digest, name, started } = vertex;
    this.#gathered.vertexes.set(digest, { digest, name, started, ...end });
    this.#soon();
  }

  #at(): Timestamp {
    return timestampFromMs(this.#now());
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => this.#flush(), GATHERED_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { vertexes, statuses, logs, warnings } = this.#gathered;
    if (vertexes.size + statuses.length + logs.length + warnings.length === 0) return;
    this.#gathered = nothing();
    const status = create(StatusResponseSchema, { vertexes: [...vertexes.values()], statuses, logs, warnings });
    this.#send(toBinary(StatusResponseSchema, status));
  }
}

interface Gathered {
  vertexes: Map<string, VertexRecord>;
  statuses: MessageInitShape<typeof VertexStatusSchema>[];
  logs: MessageInitShape<typeof VertexLogSchema>[];
  warnings: MessageInitShape<typeof VertexWarningSchema>[];
}

function nothing(): Gathered {
  return { vertexes: new Map(), statuses: [], logs: [], warnings: [] };
}
