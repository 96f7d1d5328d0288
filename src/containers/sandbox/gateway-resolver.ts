import { readFile } from 'node:fs/promises';
import type { BridgeResolver } from '../container.ts';
import { DnsNames, noSuchName } from './dns-names.ts';
import { type DnsRelay, startDnsRelay } from './dns-relay.ts';
import { BridgeFirewall, type BridgeRules } from './firewall.ts';
import { nameserversOf } from './name-files.ts';
import { ownAddresses, sortNameservers } from './nameservers.ts';

/**
 * The nameserver of a bridge, on its gateway. It runs only when somebody needs it: where this machine's own nameservers
 * can't be reached from the bridge, and from the first container on that has a name.
 */
export class GatewayResolver implements BridgeResolver {
  readonly #firewall: BridgeFirewall;
  readonly #gateway: string;
  readonly #names = new DnsNames();
  readonly #upstreams: readonly string[];
  #relay: Promise<DnsRelay> | undefined;

  private constructor(firewall: BridgeFirewall, gateway: string, upstreams: readonly string[]) {
    this.#firewall = firewall;
    this.#gateway = gateway;
    this.#upstreams = upstreams;
  }

  /** @returns a resolver that, when the bridge is up, has to be opened with `open`; the rules have been told by then */
  static async of(
    gateway: string,
    rules: Omit<BridgeRules, 'nameserver' | 'gateway' | 'services'>,
  ): Promise<{ resolver: GatewayResolver; firewall: BridgeFirewall; open: () => Promise<void> }> {
    const servers = sortNameservers(nameserversOf(await readFile('/etc/resolv.conf', 'utf8')), ownAddresses());
    const { internal } = rules;
    const upstreams = internal ? [] : [...servers.direct, ...servers.relayed];
    const isNeeded = internal || (servers.direct.length === 0 && servers.relayed.length > 0);
    const nameserver = isNeeded ? gateway : undefined;
    const firewall = new BridgeFirewall({ ...rules, gateway, nameserver, services: [] });
    const resolver = new GatewayResolver(firewall, gateway, upstreams);
    return {
      resolver,
      firewall,
      open: async () => {
        if (isNeeded) await resolver.#start();
      },
    };
  }

  get nameserver(): string | undefined {
    return this.#relay === undefined ? undefined : this.#gateway;
  }

  async register(names: readonly string[], address: string): Promise<() => void> {
    if (this.#firewall.rules.nameserver === undefined) await this.#firewall.change({ nameserver: this.#gateway });
    await this.#start();
    this.#names.add(names, address);
    return () => this.#names.remove(names, address);
  }

  async close(): Promise<void> {
    await (await this.#relay?.catch(() => undefined))?.close();
  }

  async #start(): Promise<void> {
    this.#relay ??= startDnsRelay(
      this.#gateway,
      this.#upstreams.map((address) => ({ address })),
      { answer: (question) => this.#names.answer(question) ?? this.#refuse(question) },
    );
    try {
      await this.#relay;
    } catch (error) {
      this.#relay = undefined;
      throw error;
    }
  }

  /** Without a way out there is nobody to ask. */
  #refuse(question: Buffer): Buffer | undefined {
    return this.#upstreams.length === 0 ? noSuchName(question) : undefined;
  }
}
