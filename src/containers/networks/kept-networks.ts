import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { writeDurably } from '../../lib/durable-file.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';
import type { BridgeNetwork, ContainerRuntime, Network } from '../container.ts';
import type { ContainerEvent } from '../container-event.ts';
import type { NetworkRecord, Networks } from '../networks.ts';

export interface NetworksDeps {
  /** Of this scope; `networks.json` is in it. */
  folder: string;
  runtime: Pick<ContainerRuntime, 'createNetwork'>;
  /** Whose bridges these are, for people who look at the machine. */
  scope: string;
  /** Throws where this scope may not have the machine's own network, which has an id as all networks do. Absent: it may. */
  checkHost?: () => void;
  /** Bridges of whoever opened this, by name: always there, never removed, closed by them. */
  shared?: Readonly<Record<string, () => Promise<BridgeNetwork>>>;
  clock: Clock;
  onEvent: (event: ContainerEvent) => void;
}

const PREDEFINED = { bridge: 'bridge', host: 'host', none: 'null' } as const;
/** A bridge takes a tenth of a second to make: so long it waits for the next container. Milliseconds. */
const LINGER = 30_000;

interface OpenBridge {
  made: Promise<BridgeNetwork>;
  /** Containers by id, and builds by their number. */
  holders: Set<string>;
  /** Somebody else closes it. */
  shared: boolean;
  lingering: NodeJS.Timeout | undefined;
}

/**
 * Networks are records; what the machine has of one, a bridge, is made when the first container needs it and closed half a
 * minute after the last one that was on it has ended, or with the scope.
 */
export class KeptNetworks implements Networks {
  readonly #deps: NetworksDeps;
  #builds = 0;
  readonly #records = new Map<string, NetworkRecord>();
  readonly #bridges = new Map<string, OpenBridge>();
  readonly #subnets = new Map<string, string>();
  /** Bridges on their way out; a new one of the same name need not wait for them, the scope's end does. */
  readonly #closing = new Set<Promise<void>>();
  #saving: Promise<void> = Promise.resolve();

  private constructor(deps: NetworksDeps) {
    this.#deps = deps;
  }

  static async open(deps: NetworksDeps): Promise<KeptNetworks> {
    await mkdir(deps.folder, { recursive: true, mode: 0o700 });
    const networks = new KeptNetworks(deps);
    const shared = Object.keys(deps.shared ?? {}).map((name) => [name, 'bridge'] as const);
    for (const [name, driver] of [...Object.entries(PREDEFINED), ...shared]) {
      const id = createHash('sha256').update(`${deps.scope}\0${name}`).digest('hex');
      networks.#records.set(name, { id, name, driver, labels: {}, internal: false, createdAt: deps.clock.now() });
    }
    for (const record of await networks.#read()) networks.#records.set(record.name, record);
    return networks;
  }

  async #read(): Promise<NetworkRecord[]> {
    try {
      const { networks } = JSON.parse(await readFile(this.#file, 'utf8')) as { networks: NetworkRecord[] };
      return networks;
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return [];
      throw error;
    }
  }

  /** Neither made nor removed by clients. */
  #isFixed(name: string): boolean {
    return Object.hasOwn(PREDEFINED, name) || Object.hasOwn(this.#deps.shared ?? {}, name);
  }

  get #file(): string {
    return join(this.#deps.folder, 'networks.json');
  }

  /** One after the other, each with all that is known then. */
  async #save(): Promise<void> {
    const saving = this.#saving
      .catch(() => undefined)
      .then(() => {
        const networks = [...this.#records.values()].filter(({ name }) => !this.#isFixed(name));
        return writeDurably(this.#file, JSON.stringify({ format: 1, networks }), 0o600);
      });
    this.#saving = saving;
    await saving;
  }

  async create(
    name: string,
    { labels, internal }: { labels: Record<string, string>; internal: boolean },
  ): Promise<NetworkRecord> {
    if (this.#isFixed(name)) {
      throw new Problem('denied', `operation is not permitted on predefined ${name} network `);
    }
    if (!/^[a-zA-Z0-9][\w.-]{0,127}$/.test(name)) throw new Problem('invalid', `invalid name: ${name}`);
    if (this.#records.has(name)) throw new Problem('conflict', `network with name ${name} already exists`);
    const id = randomBytes(32).toString('hex');
    const record: NetworkRecord = { id, name, driver: 'bridge', labels, internal, createdAt: this.#deps.clock.now() };
    this.#records.set(name, record);
    try {
      await this.#save();
    } catch (error) {
      this.#records.delete(name);
      throw error;
    }
    this.#tell('create', record, {});
    return record;
  }

  get(name: string): NetworkRecord {
    const record = this.#find(name);
    const subnet = this.#subnets.get(record.name);
    return subnet === undefined ? record : { ...record, subnet };
  }

  #find(name: string): NetworkRecord {
    const exact = this.#records.get(name);
    if (exact !== undefined) return exact;
    const found = /^[0-9a-f]+$/.test(name) ? [...this.#records.values()].filter(({ id }) => id.startsWith(name)) : [];
    const [one] = found;
    if (one === undefined) throw new Problem('not-found', `network ${name} not found`);
    if (found.length > 1)
      throw new Problem('invalid', `network ${name} is ambiguous (${found.length} matches found on name)`);
    return one;
  }

  list(): NetworkRecord[] {
    return [...this.#records.keys()].map((name) => this.get(name));
  }

  async remove(name: string): Promise<void> {
    const record = this.#find(name);
    if (this.#isFixed(record.name)) {
      throw new Problem('denied', `${record.name} is a pre-defined network and cannot be removed`);
    }
    const bridge = this.#bridges.get(record.name);
    if (bridge !== undefined && bridge.holders.size > 0) {
      throw new Problem(
        'conflict',
        `error while removing network: network ${record.name} id ${record.id} has active endpoints`,
      );
    }
    if (bridge !== undefined) this.#end(record.name, bridge);
    this.#records.delete(record.name);
    await this.#save();
    this.#tell('destroy', record, {});
  }

  async join(name: string): Promise<{ network: Network; leave(): void }> {
    const record = this.#find(name);
    const holder = `build ${++this.#builds}`;
    return { network: this.#networkFor(record, holder, []), leave: () => this.#release(record, holder) };
  }

  /**
   * As `join`, for one container: the bridge may go when it is left.
   * @param names by which others on a network that was created find the container
   */
  enter(name: string, container: string, names: readonly string[]): Network {
    const record = this.#find(name);
    const network = this.#networkFor(record, container, record.name === 'bridge' ? [] : names);
    this.#tell('connect', record, { container });
    return network;
  }

  leave(name: string, container: string): void {
    const record = this.#records.get(name) ?? [...this.#records.values()].find(({ id }) => id === name);
    if (record === undefined) return;
    this.#tell('disconnect', record, { container });
    this.#release(record, container);
  }

  #release(record: NetworkRecord, holder: string): void {
    const bridge = this.#bridges.get(record.name);
    bridge?.holders.delete(holder);
    if (bridge === undefined || bridge.holders.size > 0) return;
    clearTimeout(bridge.lingering);
    bridge.lingering = setTimeout(() => this.#end(record.name, bridge), LINGER).unref();
  }

  #networkFor(record: NetworkRecord, holder: string, names: readonly string[]): Network {
    if (record.driver === 'host') {
      this.#deps.checkHost?.();
      return { kind: 'host' };
    }
    if (record.driver === 'null') return { kind: 'none' };
    const bridge = this.#bridges.get(record.name) ?? this.#begin(record);
    clearTimeout(bridge.lingering);
    bridge.holders.add(holder);
    return { kind: 'bridge', bridge: () => bridge.made, ...(names.length > 0 ? { names } : {}) };
  }

  #begin(record: NetworkRecord): OpenBridge {
    const { runtime, scope, shared } = this.#deps;
    const join = shared?.[record.name];
    const made = join === undefined ? runtime.createNetwork(scope, { internal: record.internal }) : join();
    const bridge: OpenBridge = { made, holders: new Set(), shared: join !== undefined, lingering: undefined };
    this.#bridges.set(record.name, bridge);
    made.then(
      ({ subnet }) => this.#subnets.set(record.name, subnet),
      () => {
        // whoever waits for it has the error; the next one tries again
        if (this.#bridges.get(record.name) === bridge) this.#bridges.delete(record.name);
      },
    );
    return bridge;
  }

  #end(name: string, bridge: OpenBridge): void {
    clearTimeout(bridge.lingering);
    this.#bridges.delete(name);
    this.#subnets.delete(name);
    if (bridge.shared) return;
    const closing = bridge.made
      .then((network) => network.close())
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** Takes all bridges down; with `drop`, forgets the networks. */
  async close(options: { drop?: boolean } = {}): Promise<void> {
    for (const [name, bridge] of this.#bridges) this.#end(name, bridge);
    await Promise.all(this.#closing);
    if (options.drop !== true) return;
    for (const name of [...this.#records.keys()]) if (!this.#isFixed(name)) this.#records.delete(name);
    await this.#save();
  }

  #tell(action: string, { id, name, driver }: NetworkRecord, attributes: Record<string, string>): void {
    this.#deps.onEvent({ type: 'network', action, id, attributes: { ...attributes, name, type: driver } });
  }
}
