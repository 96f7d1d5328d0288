import type { NetworkRecord } from '../../../containers/networks.ts';
import { addressIn, parseRange } from '../../../containers/sandbox/subnets.ts';
import { timestamp } from '../../../lib/clock.ts';
import { Problem } from '../../../lib/problem.ts';
import { sendEmpty, sendJson } from '../../http/answer.ts';
import type { Router } from '../../http/router.ts';
import type { DockerCall, DockerHandler, DockerHouse } from '../call.ts';
import { DockerError } from '../errors.ts';
import { Filters } from '../filters.ts';
import { checkQuota } from '../policy.ts';
import { agoOf } from '../query.ts';
import { readJsonObject } from '../read-json.ts';

export function networkRoutes(router: Router<DockerHandler>): void {
  router
    .on('GET', '/networks', list)
    .on('POST', '/networks/create', create)
    .on('POST', '/networks/prune', prune)
    .on('GET', '/networks/{name}', inspect)
    .on('DELETE', '/networks/{name}', remove)
    .on('POST', '/networks/{name}/connect', changeEndpoint)
    .on('POST', '/networks/{name}/disconnect', changeEndpoint);
}

const PREDEFINED = ['bridge', 'host', 'none'];

async function list({ query, house, response }: DockerCall): Promise<void> {
  const filters = Filters.of(query, ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type']);
  const dangling = filters.boolean('dangling');
  const found = house.networks.list().filter((network) => {
    const { id, name, driver, labels } = network;
    const predefined = PREDEFINED.includes(name);
    return (
      filters.fits('id', (value) => id.startsWith(value)) &&
      filters.fits('name', (value) => name.includes(value)) &&
      filters.fits('driver', (value) => value === driver) &&
      filters.fits('scope', (value) => value === 'local') &&
      filters.fits('type', (value) => value === (predefined ? 'builtin' : 'custom')) &&
      filters.fitsLabels(labels) &&
      (dangling === undefined || dangling === (!predefined && containersOn(network, house).length === 0))
    );
  });
  sendJson(
    response,
    200,
    found.map((network) => ({ ...networkJson(network), Containers: {} })),
  );
}

async function inspect({ params, house, response }: DockerCall): Promise<void> {
  const network = house.networks.get(params['name'] ?? '');
  const endpoints = containersOn(network, house).map(({ id, name, network: { address, mac } }) => [
    id,
    {
      Name: name,
      EndpointID: '',
      MacAddress: mac ?? '',
      IPv4Address: address === undefined ? '' : `${address}/24`,
      IPv6Address: '',
    },
  ]);
  sendJson(response, 200, { ...networkJson(network), Containers: Object.fromEntries(endpoints) });
}

function containersOn({ name }: NetworkRecord, house: DockerHouse) {
  return house.containers
    .list()
    .filter(({ state, network }) => network.name === name && (state.status === 'running' || state.status === 'paused'));
}

function networkJson({ id, name, driver, labels, internal, createdAt, subnet }: NetworkRecord): object {
  return {
    Name: name,
    Id: id,
    Created: timestamp(createdAt),
    Scope: 'local',
    Driver: driver,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: null, Config: subnet === undefined ? [] : [rangeOf(subnet)] },
    Internal: internal,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Options: {},
    Labels: labels,
  };
}

/** The gateway is what a client that runs in a container takes for the address of this machine. */
function rangeOf(subnet: string): { Subnet: string; Gateway: string } {
  return { Subnet: subnet, Gateway: addressIn(parseRange(subnet), 1) };
}

async function create({ request, house, response }: DockerCall): Promise<void> {
  const body = await readJsonObject(request);
  const name = body.string('Name') ?? '';
  const driver = body.string('Driver') || 'bridge';
  if (driver !== 'bridge') throw new DockerError(404, `plugin "${driver.slice(0, 100)}" not found`);
  const [subnet] = body.object('IPAM')?.objects('Config') ?? [];
  if (subnet !== undefined && Object.keys(subnet.raw).length > 0)
    throw new DockerError(400, 'IPAM: subnets are given out by Slipway (builds.networkRange in slipway.yaml)');
  checkQuota(house.client, 'networks', house.networks.list().length);
  const { id } = await house.networks.create(name, {
    labels: body.stringMap('Labels') ?? {},
    internal: body.boolean('Internal') ?? false,
  });
  sendJson(response, 201, { Id: id, Warning: '' });
}

async function remove({ params, house, response }: DockerCall): Promise<void> {
  await house.networks.remove(params['name'] ?? '');
  sendEmpty(response, 204);
}

/** A container is on the network that it was created with: its namespace is made with it and goes with it. */
async function changeEndpoint({ request, params, house }: DockerCall): Promise<void> {
  const { name } = house.networks.get(params['name'] ?? '');
  const container = (await readJsonObject(request)).string('Container') ?? '';
  house.containers.get(container);
  throw new DockerError(
    501,
    `network ${name}: a container stays on the network that it was created with. Create it with --network ${name}`,
  );
}

async function prune({ query, house, response }: DockerCall): Promise<void> {
  const filters = Filters.of(query, ['label', 'label!', 'until']);
  const until = filters.get('until').map((text) => agoOf(text, house.clock.now()));
  const deleted: string[] = [];
  for (const { id, name, labels, createdAt } of house.networks.list()) {
    if (PREDEFINED.includes(name) || !until.every((moment) => createdAt < moment)) continue;
    if (!filters.fitsLabels(labels) || !filters.lacksLabels(labels)) continue;
    try {
      await house.networks.remove(id);
      deleted.push(name);
    } catch (error) {
      // in use, gone already, or one that is always there
      if (!(error instanceof Problem && ['conflict', 'not-found', 'denied'].includes(error.code))) throw error;
    }
  }
  sendJson(response, 200, { NetworksDeleted: deleted });
}
