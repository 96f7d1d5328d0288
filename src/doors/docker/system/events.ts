import type { DockerCall } from '../call.ts';
import type { DockerEvent } from '../events.ts';
import { Filters } from '../filters.ts';
import { momentOf } from '../query.ts';
import { JsonLines } from '../streams/json-lines.ts';

const FILTERS = [
  'container',
  'daemon',
  'event',
  'image',
  'label',
  'network',
  'node',
  'plugin',
  'scope',
  'secret',
  'service',
  'type',
  'volume',
];

/** `docker events`: what is remembered since a moment, then what happens until another, or until the client goes. */
export async function events(call: DockerCall): Promise<void> {
  const { house, query, signal } = call;
  const filters = Filters.of(query, FILTERS);
  const since = momentOf(query, 'since');
  const until = momentOf(query, 'until');
  const lines = new JsonLines(call);
  lines.begin();
  const shown = (event: DockerEvent) => fits(event, filters) && (until === undefined || event.at <= until);
  if (since !== undefined)
    for (const event of house.events.past()) if (event.at >= since && shown(event)) void lines.send(eventJson(event));
  const left = until === undefined ? undefined : until - house.clock.now();
  if (left === undefined || left > 0) {
    const stop = house.events.listen((event) => {
      if (shown(event)) lines.tell(eventJson(event));
    });
    try {
      await moment(left, signal);
    } finally {
      stop();
    }
  }
  lines.end();
}

/** Until the client goes, or so many milliseconds are over. */
function moment(ms: number | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = ms === undefined ? undefined : setTimeout(resolve, Math.min(ms, 2 ** 31 - 1));
    const gone = () => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) gone();
    else signal.addEventListener('abort', gone, { once: true });
  });
}

function fits(event: DockerEvent, filters: Filters): boolean {
  const { type, action, id, attributes } = event;
  const named = (value: string) => value === id || value === attributes['name'] || id.startsWith(value);
  const ofKind = (['container', 'volume', 'network'] as const).every((kind) => {
    if (!filters.has(kind)) return true;
    return (
      (type === kind || attributes[kind] !== undefined) &&
      filters.fits(kind, (value) => named(value) || attributes[kind] === value)
    );
  });
  return (
    ofKind &&
    filters.fits('type', (value) => value === type) &&
    filters.fits('event', (value) => action === value || action.startsWith(`${value}:`)) &&
    filters.fits('scope', (value) => value === 'local') &&
    filters.fits('image', (value) => isOfImage(event, value)) &&
    filters.fitsLabels(attributes)
  );
}

/** An event of the image, or of a container made from it; the tag may be left out. */
function isOfImage({ type, id, attributes }: DockerEvent, image: string): boolean {
  const names = type === 'image' ? [id, attributes['name']] : [attributes['image']];
  return names.some((name) => name !== undefined && (name === image || name.replace(/:[^/:]*$/, '') === image));
}

function eventJson({ type, action, id, attributes, at }: DockerEvent): object {
  const ofOld = type === 'container' || type === 'image' ? { status: action, id, from: attributes['image'] } : {};
  return {
    ...ofOld,
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: 'local',
    time: Math.floor(at / 1000),
    timeNano: at * 1_000_000,
  };
}
