import { hasErrorCode, Problem } from '../../lib/problem.ts';
import { run, runOk } from '../../lib/run.ts';
import type { BridgeService } from '../container.ts';

export interface BridgeRules {
  bridge: string;
  subnet: string;
  /** The bridge's own address, when our relay answers DNS there. */
  nameserver: string | undefined;
  /** No way out. */
  internal: boolean;
  /** What of ours its containers may connect to. */
  services: readonly Pick<BridgeService, 'address' | 'port' | 'localPort'>[];
  gateway: string;
}

const DNS_PORT = 53;

/**
 * Rules of one bridge, in a table of its own that comes and goes with it. A drop is final wherever it stands, so these hold
 * whatever else the machine's owner has configured; an accept is not, which is what `allowThroughIptables` is for.
 *
 * - To the machine itself: nothing, on none of its addresses and ports (the server's among them), but our DNS relay and what is offered.
 * - Out: everything but link-local addresses (a cloud's metadata server), our other bridges, forged senders and IPv6.
 * - In: answers only; nobody outside opens a connection to a build. This machine may (published ports), by its `output`.
 */
export function firewallRules(rules: BridgeRules): string {
  const { bridge, subnet, nameserver, internal, services, gateway } = rules;
  const dns = ['udp', 'tcp'].map(
    (protocol) => `    ip saddr ${subnet} ip daddr ${nameserver} ${protocol} dport ${DNS_PORT} accept\n`,
  );
  const offered = services.map(
    ({ localPort }) => `    ip saddr ${subnet} ip daddr ${gateway} tcp dport ${localPort} accept\n`,
  );
  return `
table inet ${tableOf(bridge)} {}
delete table inet ${tableOf(bridge)}
table inet ${tableOf(bridge)} {
  chain input {
    type filter hook input priority -10; policy accept;
    iifname != "${bridge}" accept
    ct state established,related accept
${nameserver === undefined ? '' : dns.join('')}${offered.join('')}    drop
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    iifname "${bridge}" oifname "${bridge}" accept
${internal ? noWayOut(bridge) : wayOut(bridge, subnet)}    oifname "${bridge}" drop
  }
${internal ? '' : addressTranslation(bridge, subnet)}${services.length === 0 ? '' : redirection(rules)}}
`;
}

function redirection({ bridge, subnet, services, gateway }: BridgeRules): string {
  const rules = services.map(
    ({ address, port, localPort }) =>
      `    iifname "${bridge}" ip saddr ${subnet} ip daddr ${address} tcp dport ${port} dnat ip to ${gateway}:${localPort}\n`,
  );
  return `  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
${rules.join('')}  }
`;
}

function noWayOut(bridge: string): string {
  return `    iifname "${bridge}" drop\n`;
}

function wayOut(bridge: string, subnet: string): string {
  return `    iifname "${bridge}" meta nfproto ipv6 drop
    iifname "${bridge}" ip saddr != ${subnet} drop
    iifname "${bridge}" oifname "${BRIDGE_PREFIX}*" drop
    iifname "${bridge}" ip daddr { 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4 } drop
    oifname "${bridge}" ct state established,related accept
`;
}

function addressTranslation(bridge: string, subnet: string): string {
  return `  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${subnet} oifname != "${bridge}" masquerade
  }
`;
}

/**
 * Names of bridges begin with it, in all data folders of the machine: none of them may reach another. Not "sw", since the
 * rule would cut off the ports of hardware switches (swp1).
 */
export const BRIDGE_PREFIX = 'slw';

export async function installFirewall(rules: BridgeRules): Promise<void> {
  await changeFirewall(rules);
  await allowThroughIptables(rules.bridge);
}

/** Rules of a bridge that change while it is up, one change after the other, each in one stroke. */
export class BridgeFirewall {
  #rules: BridgeRules;
  #last: Promise<void> = Promise.resolve();

  constructor(rules: BridgeRules) {
    this.#rules = rules;
  }

  get rules(): BridgeRules {
    return this.#rules;
  }

  async change(change: Partial<Pick<BridgeRules, 'nameserver' | 'services'>>): Promise<void> {
    this.#rules = { ...this.#rules, ...change };
    const changing = this.#last.catch(() => undefined).then(() => changeFirewall(this.#rules));
    this.#last = changing;
    await changing;
  }
}

async function changeFirewall(rules: BridgeRules): Promise<void> {
  await runOk('nft', ['-f', '-'], { input: firewallRules(rules) });
}

/** Nothing happens where there are no such rules. */
export async function removeFirewall(bridge: string): Promise<void> {
  // The form that creates it first makes deleting one that isn't there a success.
  await runOk('nft', ['-f', '-'], {
    input: `table inet ${tableOf(bridge)} {}\ndelete table inet ${tableOf(bridge)}\n`,
  });
  for (const rule of await iptablesForward()) {
    if (rule.split(' ').includes(bridge)) {
      await run('iptables', ['-w', '-D', ...rule.split(' ').slice(1)]);
    }
  }
}

/**
 * docker and ufw set the policy of iptables' FORWARD chain to DROP, which no rule of another table can undo. Two rules at
 * its head let the bridge through; what it may reach is decided by our own table all the same.
 */
async function allowThroughIptables(bridge: string): Promise<void> {
  const rules = await iptablesForward();
  if (!rules.includes('-P FORWARD DROP')) return;
  for (const side of ['-i', '-o']) await runOk('iptables', ['-w', '-I', 'FORWARD', side, bridge, '-j', 'ACCEPT']);
}

async function iptablesForward(): Promise<string[]> {
  try {
    return (await run('iptables', ['-w', '-S', 'FORWARD'])).stdout.split('\n').map((line) => line.trim());
  } catch (error) {
    if ((error instanceof Problem && error.code === 'not-found') || hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}

function tableOf(bridge: string): string {
  return `slipway_${bridge}`;
}
