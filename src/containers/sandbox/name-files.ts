/** The three files that tell a container its names: /etc/resolv.conf, /etc/hosts, /etc/hostname. Pure texts. */

/** Addresses behind `nameserver` lines, in order. */
export function nameserversOf(resolvConf: string): string[] {
  return resolvConf
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1])
    .filter((address): address is string => address !== undefined);
}

/** 127.0.0.0/8 and ::1: inside a container they mean the container. */
export function isLoopback(address: string): boolean {
  return /^127\./.test(address) || address === '::1' || /^::ffff:127\./i.test(address);
}

/**
 * The host's resolv.conf with other nameservers; search domains and options stay. IPv6 servers with a zone (`%eth0`) are
 * among those that a caller has to leave out, since the container has no such interface.
 */
export function resolvConfWith(hostText: string, nameservers: string[]): string {
  const kept = hostText
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(nameserver\b|#|;)/.test(line));
  return [...nameservers.map((address) => `nameserver ${address}`), ...kept, ''].join('\n');
}

/** With what somebody asked for in place of what would be there; what he left away stays. */
export function resolvConfOf(
  dns: { servers: readonly string[]; search: readonly string[]; options: readonly string[] },
  otherwise: string,
): string {
  const lines = otherwise.split('\n').filter((line) => line.trim() !== '');
  const of = (word: string, pattern: RegExp, values: readonly string[], perLine: boolean) => {
    if (values.length === 0) return lines.filter((line) => pattern.test(line));
    return perLine ? values.map((value) => `${word} ${value}`) : [`${word} ${values.join(' ')}`];
  };
  return [
    ...of('search', /^\s*(search|domain)\s/, dns.search, false),
    ...of('nameserver', /^\s*nameserver\s/, dns.servers, true),
    ...of('options', /^\s*options\s/, dns.options, false),
    '',
  ].join('\n');
}

export interface HostsContent {
  hostname: string;
  /** The container's own address; without one its name stands for loopback. */
  address?: string | undefined;
  /** `name:ip`, as --add-host takes it; the address may hold colons. */
  extraHosts: string[];
}

/** In docker's order, so that `getent hosts` answers as it does there. */
export function hostsFile(content: HostsContent): string {
  const lines = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'ff00::0\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
  ];
  for (const entry of content.extraHosts) {
    const at = entry.indexOf(':');
    lines.push(`${entry.slice(at + 1)}\t${entry.slice(0, at)}`);
  }
  lines.push(`${content.address ?? '127.0.0.1'}\t${content.hostname}`);
  return `${lines.join('\n')}\n`;
}
