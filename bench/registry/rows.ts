import { IMAGE, MANIFEST_TYPE, pullBlob, pushBlob, SmallImage } from './image.ts';
import { Payload } from './payload.ts';
import type { Registry } from './registry.ts';
import type { RegistryRow } from './row.ts';

const LARGE_MIB = 512;
const PULLED_MIB = 50;
const PULLS = 32;
const CLIENTS = 16;
/** A PUT takes the other 5 ms, a GET 2. */
const PUTS = 160;
const GETS = 480;
const TAGS = 2000;
const LISTS = 10;
/** Tags that are asked for in turn. */
const ASKED = 20;
const TAGGED_IMAGE = 'bench/images/tagged';

/** What is in every registry before anything is measured. */
const small = new SmallImage();
const layers = { large: new Payload(LARGE_MIB), shared: new Payload(PULLED_MIB) };

export async function prepareRegistry({ client, holdsTags }: Registry): Promise<void> {
  await small.pushBlobs(client, IMAGE);
  for (let i = 0; i < ASKED; i++) await small.push(client, IMAGE, `asked-${i}`, `asked ${i}`);
  for (const payload of Object.values(layers)) await pushBlob(client, IMAGE, payload);
  if (holdsTags) return;
  await small.pushBlobs(client, TAGGED_IMAGE);
  await together(CLIENTS, TAGS, (i) => small.push(client, TAGGED_IMAGE, `v${i}`, `asked ${i % ASKED}`));
}

let pushed: { round: number; payload: Payload } | undefined;

/** The same bytes for everybody in a round, and in the next round others. */
function newPayload(round: number): Payload {
  if (pushed?.round !== round) pushed = { round, payload: new Payload(LARGE_MIB) };
  return pushed.payload;
}

export const REGISTRY_ROWS: RegistryRow[] = [
  {
    id: 'R1',
    title: `push of a blob of ${LARGE_MIB} MiB`,
    about: 'A session, one PATCH of unknown length, the digest at its end.',
    atLeast: 1.2,
    prepare: async (_, round) => void newPayload(round),
    measured: ({ client }, round) => pushBlob(client, IMAGE, newPayload(round)),
  },
  {
    id: 'R2',
    title: `pull of a blob of ${LARGE_MIB} MiB`,
    about: 'The client counts the bytes and drops them.',
    atLeast: 1,
    measured: ({ client }) => pullBlob(client, IMAGE, layers.large),
  },
  puts('R3', 1),
  puts('R4', CLIENTS),
  asks('R5', 'GET', 1),
  asks('R6', 'GET', CLIENTS),
  asks('R7', 'HEAD', 1),
  asks('R8', 'HEAD', CLIENTS),
  {
    id: 'R9',
    title: `${LISTS} lists of ${TAGS} tags`,
    about: `One after the other; grown, the first ${TAGS} of the 100,000.`,
    atLeast: 2,
    measured: async ({ client, holdsTags }) => {
      const path = `/v2/${holdsTags ? IMAGE : TAGGED_IMAGE}/tags/list?n=${TAGS}`;
      for (let i = 0; i < LISTS; i++) await client.call({ method: 'GET', path, expect: 200 });
    },
  },
  {
    id: 'R10',
    title: `${PULLS} pulls of ${PULLED_MIB} MiB at once`,
    about: 'Of one blob, each on a connection of its own.',
    atLeast: 1,
    memoryOfOther: true,
    measured: ({ client }) => together(PULLS, PULLS, () => pullBlob(client, IMAGE, layers.shared)),
  },
];

function puts(id: string, clients: number): RegistryRow {
  return {
    id,
    title: `${PUTS} manifests PUT, ${plural(clients)}`,
    about: 'Each of ten layers, under a tag of its own.',
    atLeast: 3,
    measured: ({ client }, round) =>
      together(clients, PUTS, (i) => small.push(client, IMAGE, `${id}-${round}-${i}`, `${id} ${round} ${i}`)),
  };
}

function asks(id: string, method: 'GET' | 'HEAD', clients: number): RegistryRow {
  return {
    id,
    title: `${GETS} times ${method} of a manifest by its tag, ${plural(clients)}`,
    about: `${ASKED} tags in turn.`,
    atLeast: 5,
    measured: ({ client }) =>
      together(clients, GETS, async (i) => {
        const path = `/v2/${IMAGE}/manifests/asked-${i % ASKED}`;
        await client.call({ method, path, headers: { accept: MANIFEST_TYPE }, expect: 200 });
      }),
  };
}

function plural(clients: number): string {
  return clients === 1 ? 'one client' : `${clients} clients`;
}

/** So many calls by so many clients, each of which begins its next when it has its answer. */
async function together(clients: number, calls: number, call: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const one = async () => {
    while (next < calls) await call(next++);
  };
  await Promise.all(Array.from({ length: clients }, one));
}
