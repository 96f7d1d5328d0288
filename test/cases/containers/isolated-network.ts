import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Machine } from './machine.ts';

/**
 * Runs in network and mount namespaces of its own, as a machine that knows only the nameserver on its loopback, and whose
 * firewall forwards nothing. Prints what a container on a bridge saw there, as JSON.
 */
const machine = new Machine();
const resolvConf = join(machine.folder, 'resolv.conf');
writeFileSync(resolvConf, 'nameserver 127.0.0.53\noptions ndots:1\n');
execFileSync('mount', ['--bind', resolvConf, '/etc/resolv.conf']);
execFileSync('ip', ['link', 'set', 'lo', 'up']);
execFileSync('iptables', ['-P', 'FORWARD', 'DROP']);
const server = createSocket('udp4');
server.on('message', (question, from) => server.send(answerTo(question), from.port, from.address));
await new Promise<void>((resolve) => server.bind(53, '127.0.0.53', resolve));

const bridge = await machine.runtime.createNetwork('isolated');
const during = execFileSync('iptables', ['-S', 'FORWARD']).toString();
const done = await machine.run('cat /etc/resolv.conf; nslookup -type=a build.example', {
  network: { kind: 'bridge', bridge },
});
await bridge.close();
const after = execFileSync('iptables', ['-S', 'FORWARD']).toString();
server.close();
execFileSync('umount', ['/etc/resolv.conf']);
const leftovers = machine.leftovers();
machine.remove();
process.stdout.write(JSON.stringify({ bridge: bridge.name, subnet: bridge.subnet, during, after, done, leftovers }));

/** The question with one answer behind it: A 10.9.8.7 (RFC 1035, 4.1). */
function answerTo(question: Buffer): Buffer {
  const head = Buffer.from(question.subarray(0, 12));
  head.writeUInt16BE(0x8180, 2); // an answer without error
  head.writeUInt16BE(1, 6); // one record
  head.writeUInt32BE(0, 8);
  const asked = question.subarray(12, question.indexOf(0, 12) + 5);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 9, 8, 7]);
  return Buffer.concat([head, asked, record]);
}
