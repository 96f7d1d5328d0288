import { expect, test } from 'vitest';
import { firewallRules } from './firewall.ts';

const rules = {
  bridge: 'slw3',
  subnet: '10.213.3.0/24',
  gateway: '10.213.3.1',
  nameserver: undefined,
  internal: false,
  services: [],
};

test('from the bridge to the machine, nothing but answers is let through', () => {
  expect(chain(firewallRules(rules), 'input')).toEqual([
    'type filter hook input priority -10; policy accept;',
    'iifname != "slw3" accept',
    'ct state established,related accept',
    'drop',
  ]);
});

test('the relay is reachable where there is one, and on no other port', () => {
  const input = chain(firewallRules({ ...rules, nameserver: '10.213.3.1' }), 'input');
  expect(input.filter((line) => line.includes('dport'))).toEqual([
    'ip saddr 10.213.3.0/24 ip daddr 10.213.3.1 udp dport 53 accept',
    'ip saddr 10.213.3.0/24 ip daddr 10.213.3.1 tcp dport 53 accept',
  ]);
  expect(input.at(-1)).toBe('drop');
});

test('what is offered is reached at its address, from the bridge alone, and nothing beside it', () => {
  const services = [{ address: '169.254.169.254', port: 80, localPort: 40123 }];
  const text = firewallRules({ ...rules, services });
  expect(chain(text, 'input').filter((line) => line.includes('dport'))).toEqual([
    'ip saddr 10.213.3.0/24 ip daddr 10.213.3.1 tcp dport 40123 accept',
  ]);
  expect(chain(text, 'prerouting').slice(1)).toEqual([
    'iifname "slw3" ip saddr 10.213.3.0/24 ip daddr 169.254.169.254 tcp dport 80 dnat ip to 10.213.3.1:40123',
  ]);
  expect(firewallRules(rules)).not.toContain('prerouting');
});

test('outwards, other bridges come before everything that is accepted', () => {
  const forward = chain(firewallRules(rules), 'forward');
  expect(forward).toContain('iifname "slw3" oifname "slw*" drop');
  expect(forward.at(-1)).toBe('oifname "slw3" drop');
  expect(forward.find((line) => line.includes('169.254.0.0/16'))).toMatch(/drop$/);
});

test('an internal one has no way out, and nobody answers for it', () => {
  const text = firewallRules({ ...rules, internal: true });
  expect(chain(text, 'forward').slice(1)).toEqual([
    'iifname "slw3" oifname "slw3" accept',
    'iifname "slw3" drop',
    'oifname "slw3" drop',
  ]);
  expect(text).not.toContain('masquerade');
});

function chain(text: string, name: string): string[] {
  const body = new RegExp(`chain ${name} \\{([\\s\\S]*?)\\n {2}\\}`).exec(text)?.[1] ?? '';
  return body
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}
