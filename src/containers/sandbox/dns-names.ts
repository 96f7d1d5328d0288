/** Wire numbers of RFC 1035, 4.1. */
const HEADER_BYTES = 12;
const RESPONSE = 0x8000;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
const OPCODE = 0x7800;
const NAME_ERROR = 3;
const TYPE_A = 1;
const CLASS_IN = 1;
/** The name that stands right behind the header. */
const NAME_OF_QUESTION = 0xc000 | HEADER_BYTES;
/** Seconds; docker's. A container that has gone takes its name along at once, for whoever asks again. */
const TIME_TO_LIVE = 600;

/**
 * Names of containers on one bridge, and the answers that they are worth. Case doesn't count; a name may have several
 * addresses; one that begins with `*` stands for all names that end as it does.
 */
export class DnsNames {
  readonly #addresses = new Map<string, string[]>();
  readonly #endings = new Set<string>();

  add(names: readonly string[], address: string): void {
    for (const name of names) {
      const key = name.toLowerCase();
      if (key.startsWith('*')) this.#endings.add(key);
      this.#addresses.set(key, [...(this.#addresses.get(key) ?? []), address]);
    }
  }

  remove(names: readonly string[], address: string): void {
    for (const name of names) {
      const key = name.toLowerCase();
      const left = this.#addresses.get(key)?.filter((one) => one !== address) ?? [];
      if (left.length === 0) {
        this.#addresses.delete(key);
        this.#endings.delete(key);
      } else this.#addresses.set(key, left);
    }
  }

  /**
   * Undefined for a name that is not ours. One of ours has IPv4 addresses and nothing else, so that whoever asks for IPv6 need
   * not wait for a server that doesn't know it.
   */
  answer(message: Buffer): Buffer | undefined {
    const question = readQuestion(message);
    const addresses = question === undefined ? undefined : this.#find(question.name);
    if (question === undefined || addresses === undefined) return undefined;
    const isWanted = question.type === TYPE_A && question.class === CLASS_IN;
    return reply(message, question, 0, isWanted ? addresses : []);
  }

  #find(name: string): readonly string[] | undefined {
    const exact = this.#addresses.get(name);
    if (exact !== undefined) return exact;
    for (const ending of this.#endings) if (name.endsWith(ending.slice(1))) return this.#addresses.get(ending);
    return undefined;
  }
}

/** "No such name" (NXDOMAIN); undefined for what is no question. */
export function noSuchName(message: Buffer): Buffer | undefined {
  const question = readQuestion(message);
  return question === undefined ? undefined : reply(message, question, NAME_ERROR, []);
}

interface Question {
  name: string;
  type: number;
  class: number;
  /** Of the whole message up to behind the question. */
  end: number;
}

/** Undefined unless it is an ordinary message with one question. */
function readQuestion(message: Buffer): Question | undefined {
  if (message.length < HEADER_BYTES || message.readUInt16BE(4) !== 1) return undefined;
  if ((message.readUInt16BE(2) & (RESPONSE | OPCODE)) !== 0) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message[at] ?? 64; length !== 0; length = message[at] ?? 64) {
    if (length > 63 || at + 1 + length >= message.length) return undefined;
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5;
  if (end > message.length) return undefined;
  const name = labels.join('.').toLowerCase();
  return { name, type: message.readUInt16BE(at + 1), class: message.readUInt16BE(at + 3), end };
}

/** In an order that changes, so that several containers of one name share the work. */
function reply(message: Buffer, question: Question, code: number, addresses: readonly string[]): Buffer {
  const head = Buffer.from(message.subarray(0, question.end));
  const flags = RESPONSE | (message.readUInt16BE(2) & RECURSION_DESIRED) | RECURSION_AVAILABLE | code;
  head.writeUInt16BE(flags, 2);
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8); // neither authorities nor additional records
  const first = addresses.length === 0 ? 0 : message.readUInt16BE(0) % addresses.length;
  const records = [...addresses.slice(first), ...addresses.slice(0, first)].map((address) => {
    const record = Buffer.alloc(16);
    record.writeUInt16BE(NAME_OF_QUESTION, 0);
    record.writeUInt16BE(TYPE_A, 2);
    record.writeUInt16BE(CLASS_IN, 4);
    record.writeUInt32BE(TIME_TO_LIVE, 6);
    record.writeUInt16BE(4, 10);
    record.set(address.split('.').map(Number), 12);
    return record;
  });
  return Buffer.concat([head, ...records]);
}
