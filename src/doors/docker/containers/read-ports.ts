import type { ContainerRequest } from '../../../containers/container-request.ts';
import type { JsonObject } from '../read-json.ts';

/** `80/tcp`, ascending as they came. */
export function readExposed(body: JsonObject): string[] {
  return body.entries('ExposedPorts').map(([port]) => withProtocol(body, 'ExposedPorts', port));
}

/** What is to be reached on this machine, and where. A host port of 0 is any. */
export function readPublished(host: JsonObject): ContainerRequest['ports'] {
  const bindings = host.object('PortBindings');
  if (bindings === undefined) return [];
  return Object.keys(bindings.raw).flatMap((port) =>
    (bindings.objects(port) ?? []).map((binding) => {
      const text = binding.string('HostPort') ?? '';
      if (!/^\d{0,5}$/.test(text) || Number(text) > 65_535)
        throw binding.wrong('HostPort', `invalid port specification: "${text.slice(0, 40)}"`);
      return {
        containerPort: withProtocol(host, 'PortBindings', port),
        hostAddress: binding.string('HostIp') ?? '',
        hostPort: Number(text),
      };
    }),
  );
}

function withProtocol(body: JsonObject, field: string, port: string): string {
  const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(port);
  if (match === null || Number(match[1]) > 65_535) throw body.wrong(field, `invalid port "${port.slice(0, 40)}"`);
  return `${match[1]}/${match[2] ?? 'tcp'}`;
}
