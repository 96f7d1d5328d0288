import { closeSync } from 'node:fs';
import { call, callAsync } from './libc.ts';
import { SystemCallError } from './system-call-error.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const MSG_DONTWAIT = 0x40;
const SIOCGIFINDEX = 0x8933;

const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLMSG_ERROR = 2;
const HEADER_BYTES = 16;

/** One change, as rtnetlink(7) names them. */
export interface NetlinkRequest {
  /** RTM_NEWLINK and the like. */
  type: number;
  /** Besides "request" and "acknowledge". */
  flags: number;
  /** Fixed part and attributes. */
  payload: Buffer;
  /** For an error. */
  what: string;
}

/** Changes of links, addresses and routes in one network namespace: that of the thread which opened it, wherever it is used. */
export class Netlink {
  readonly #fd: number;
  #sequence = 0;

  constructor() {
    this.#fd = call('socket', 'netlink', AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  }

  /**
   * All at once, in their order; one after a failed one is tried all the same. The kernel has done them when it has taken them,
   * which may wait for others who change the network: so on a thread of the pool.
   * @throws SystemCallError of the first that failed
   */
  async request(requests: readonly NetlinkRequest[]): Promise<void> {
    const first = this.#sequence;
    this.#sequence += requests.length;
    const messages = Buffer.concat(requests.map((request, index) => messageOf(request, first + index)));
    await callAsync('send', requests.map(({ what }) => what).join(', '), this.#fd, messages, messages.length, 0);
    const errors = this.#errors();
    requests.forEach(({ what }, index) => {
      const error = errors.get(first + index) ?? 0;
      if (error !== 0) throw new SystemCallError('netlink', -error, what);
    });
  }

  /** The number of a link. @throws SystemCallError `ENODEV` */
  indexOf(link: string): number {
    const ifreq = Buffer.alloc(40);
    ifreq.write(link, 0, 15, 'latin1');
    call('ioctl', link, this.#fd, SIOCGIFINDEX, ifreq);
    return ifreq.readInt32LE(16);
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** By their numbers, of all that has been answered. */
  #errors(): Map<number, number> {
    const errors = new Map<number, number>();
    const buffer = Buffer.alloc(16 << 10);
    for (;;) {
      let count: number;
      try {
        count = call('recv', 'netlink', this.#fd, buffer, buffer.length, MSG_DONTWAIT);
      } catch (error) {
        if (error instanceof SystemCallError && error.code === 'EAGAIN') return errors;
        throw error;
      }
      for (let at = 0; at + HEADER_BYTES + 4 <= count; at += aligned(buffer.readUInt32LE(at))) {
        if (buffer.readUInt16LE(at + 4) !== NLMSG_ERROR) continue;
        errors.set(buffer.readUInt32LE(at + 8), buffer.readInt32LE(at + HEADER_BYTES));
      }
    }
  }
}

/** One `struct rtattr`, padded. */
export function attribute(type: number, ...data: Buffer[]): Buffer {
  const length = 4 + data.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(4);
  head.writeUInt16LE(length, 0);
  head.writeUInt16LE(type, 2);
  return Buffer.concat([head, ...data], aligned(length));
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`, 'latin1');
}

export function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function messageOf({ type, flags, payload }: NetlinkRequest, sequence: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(HEADER_BYTES + payload.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | flags, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, payload], aligned(HEADER_BYTES + payload.length));
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
