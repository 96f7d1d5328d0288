import type { ContainerRecord } from '../../../containers/container-record.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall, DockerHouse } from '../call.ts';
import { DockerError } from '../errors.ts';
import { Filters } from '../filters.ts';
import { booleanOf, integerOf } from '../query.ts';
import { mountsJson, networkMode, networksJson, statusOf } from './container-json.ts';
import { ImageNames } from './image-names.ts';
import { listedPorts } from './ports-json.ts';

const FILTERS = [
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'is-task',
  'isolation',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
];

const STATES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];

/** `docker ps`. */
export async function listContainers(call: DockerCall): Promise<void> {
  const { query, house, response } = call;
  const filters = Filters.of(query, FILTERS);
  const limit = integerOf(query, 'limit') ?? 0;
  // whoever asks for a number of them, or for those of a state, means also what doesn't run
  const all = booleanOf(query, 'all') || limit > 0 || filters.has('status') || filters.has('exited');
  const images = new ImageNames(call);
  const fits = await containerFilter(filters, house, images);
  const found = house.containers
    .list()
    .sort((a, b) => b.createdAt - a.createdAt)
    .filter((record) => (all || isUp(record)) && fits(record));
  const shown = limit > 0 ? found.slice(0, limit) : found;
  const sizes = booleanOf(query, 'size') ? await imageSizes(call) : undefined;
  sendJson(response, 200, await Promise.all(shown.map((record) => listed(record, house, images, sizes))));
}

function isUp({ state }: ContainerRecord): boolean {
  return state.status === 'running' || state.status === 'paused' || state.status === 'restarting';
}

async function imageSizes({ house, caller }: DockerCall): Promise<ReadonlyMap<string, number>> {
  return new Map((await house.engine.shelf.list(caller, true)).map(({ id, size }) => [id, size]));
}

/**
 * A container as lists show it.
 * @param imageSizes by id, where sizes are wanted
 */
export async function listed(
  record: ContainerRecord,
  house: DockerHouse,
  images: ImageNames,
  imageSizes?: ReadonlyMap<string, number>,
): Promise<object> {
  const { id, name, imageId, process, createdAt, request, state, mounts } = record;
  return {
    Id: id,
    Names: [`/${name}`],
    Image: await images.shown(record),
    ImageID: imageId,
    Command: process.args.map(quoted).join(' '),
    Created: Math.floor(createdAt / 1000),
    Ports: listedPorts(record),
    ...(imageSizes === undefined ? {} : await sizesJson(id, imageSizes.get(imageId) ?? 0, house)),
    Labels: request.labels,
    State: state.status,
    Status: statusOf(record, house.clock.now()),
    HostConfig: { NetworkMode: networkMode(record) },
    NetworkSettings: { Networks: networksJson(record, house) },
    Mounts: mountsJson(mounts),
  };
}

/** It may go while it is measured. */
async function sizesJson(id: string, imageSize: number, house: DockerHouse): Promise<object> {
  const own = await house.containers.size(id).catch(() => 0);
  return { SizeRw: own, SizeRootFs: imageSize + own };
}

/** As dockerd puts a command line together: what a shell would take apart is in single quotes. */
function quoted(arg: string): string {
  return /[\s"'`$\\]/.test(arg) || arg === '' ? `'${arg.replaceAll("'", "'\\''")}'` : arg;
}

type Test = (record: ContainerRecord) => boolean;

async function containerFilter(filters: Filters, house: DockerHouse, images: ImageNames): Promise<Test> {
  for (const state of filters.get('status'))
    if (!STATES.includes(state)) throw new DockerError(400, `invalid filter 'status=${state.slice(0, 100)}'`);
  for (const code of filters.get('exited'))
    if (!/^-?\d+$/.test(code)) throw new DockerError(400, `invalid filter 'exited=${code.slice(0, 100)}'`);
  const moment = (name: string) => filters.get(name).map((value) => house.containers.get(value).createdAt);
  const [before, since] = [moment('before'), moment('since')];
  const ancestors = new Set(await Promise.all(filters.get('ancestor').map((name) => images.idOf(name))));
  const isTask = filters.boolean('is-task');
  return (record) => {
    const { id, name, state, request, mounts, network } = record;
    return (
      filters.fits('id', (value) => id.startsWith(value)) &&
      filters.fits('name', (value) => matchesName(name, value)) &&
      filters.fitsLabels(request.labels) &&
      filters.fits('status', (value) => value === state.status) &&
      filters.fits('exited', (value) => state.status === 'exited' && state.exitCode === Number(value)) &&
      filters.fits('health', (value) => value === 'none') &&
      filters.fits('isolation', (value) => value === 'default') &&
      filters.fits('network', (value) => value === network.name) &&
      filters.fits('volume', (value) => mounts.some((mount) => mount.name === value || mount.target === value)) &&
      filters.fits('publish', (value) => request.ports.some((port) => port.containerPort === withProtocol(value))) &&
      filters.fits('expose', (value) => request.exposedPorts.includes(withProtocol(value))) &&
      (!filters.has('ancestor') || ancestors.has(record.imageId)) &&
      before.every((at) => record.createdAt < at) &&
      since.every((at) => record.createdAt > at) &&
      isTask !== true
    );
  };
}

/** dockerd takes a pattern; whoever writes one gets `^`, `$` and a part of the name, which is what they are written for. */
function matchesName(name: string, wanted: string): boolean {
  const [, start = '', text = '', end = ''] = /^(\^?\/?)(.*?)(\$?)$/s.exec(wanted) ?? [];
  const fromStart = start !== '';
  if (fromStart && end !== '') return name === text;
  if (fromStart) return name.startsWith(text);
  return end === '' ? name.includes(text) : name.endsWith(text);
}

function withProtocol(port: string): string {
  return port.includes('/') ? port : `${port}/tcp`;
}
