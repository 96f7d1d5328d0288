import type { Range } from '../../lib/problem.ts';
import { Complaint } from '../complaint.ts';

/** Keys of ExposedPorts (`80/tcp`) that one word of EXPOSE means; ranges give several. @throws Complaint */
export function portsOf(word: string, ranges: Range[]): { ports: string[]; hostPart: boolean; upperCase: boolean } {
  const slash = word.indexOf('/');
  const protocol = slash < 0 ? 'tcp' : word.slice(slash + 1);
  const numbers = slash < 0 ? word : word.slice(0, slash);
  const colon = numbers.lastIndexOf(':');
  const container = numbers.slice(colon + 1);
  if (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase()))
    throw new Complaint(`Invalid proto: ${protocol}`, { ranges });
  if (container === '') throw new Complaint(`No port specified: ${word}<empty>`, { ranges });
  const [first, last] = rangeOf(container, ranges);
  const ports = Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol.toLowerCase()}`);
  return { ports, hostPart: colon >= 0, upperCase: protocol !== protocol.toLowerCase() };
}

function rangeOf(text: string, ranges: Range[]): [first: number, last: number] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first > 65_535 || last > 65_535)
    throw new Complaint(`Invalid containerPort: ${text}`, { ranges });
  if (last < first) throw new Complaint(`Invalid range specified for containerPort: ${text}`, { ranges });
  return [first, last];
}
