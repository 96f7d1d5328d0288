import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestServer } from '../server.ts';
import { type Difference, differenceOf } from './differences.ts';
import { masked } from './masks.ts';
import type { Recording } from './recording.ts';
import { type Prepared, type SetUp, setUpOf } from './set-ups.ts';
import { writeSources } from './sources.ts';
import { Doors, type World } from './world.ts';

export interface Seen {
  exit: number;
  stdout: string;
  stderr: string;
}

/** What a command did here beside what it did in its recording. */
export interface Verdict {
  name: string;
  outcome: 'same' | 'differs' | 'wrong';
  /** Of a difference that was expected. */
  reason?: string;
  /** Masked. */
  recorded: Seen;
  seen: Seen;
}

const LONGEST_MS = 240_000;

/** Runs one recorded command for real: in a project, buckets and a folder of its own, so that many may run at a time. */
export async function runCase(
  recording: Recording,
  number: number,
  world: World,
  all: readonly Recording[],
): Promise<Verdict> {
  const { case: name } = recording;
  const setUp = setUpOf(name);
  const server = setUp.asksForTokens ? world.closed : world.open;
  const place = await makePlace(server, number);
  try {
    const doors = new Doors(world.open.url);
    const prepared = await setUp.prepare?.({ doors, project: place.project, place, server });
    const { ids = {}, after } = (prepared ?? {}) as Prepared;
    const env = await environmentOf(recording, server, place, setUp);
    const command = ours(setUp.command ?? recording.command, server, place, ids);
    const cwd = join(place.folder, setUp.cwd ?? (recording.command.startsWith('gsutil') ? '.' : 'src'));
    const seen = await run(command, cwd, env, setUp);
    await after?.();
    return judged(recording, theirs(seen, place), differenceOf(name), all);
  } finally {
    await rm(place.folder, { recursive: true, force: true });
  }
}

/** Where a case has all to itself. */
export interface Place {
  /** Two characters, as in the recordings. */
  project: string;
  folder: string;
}

async function makePlace(server: TestServer, number: number): Promise<Place> {
  const project = `${'abcdefghijklmnoqrstuvwxyz'[Math.floor(number / 10)]}${number % 10}`;
  const folder = join(server.folder, 'cases', project);
  await mkdir(join(folder, 'home'), { recursive: true });
  await writeSources(folder, project);
  return { project, folder };
}

function judged(
  recording: Recording,
  seen: Seen,
  difference: Difference | undefined,
  all: readonly Recording[],
): Verdict {
  const { case: name } = recording;
  const recorded = seenOf(recording);
  if (equal(recorded, seen)) return { name, outcome: 'same', recorded, seen };
  if (difference === undefined) return { name, outcome: 'wrong', recorded, seen };
  const expected = looked(expectedOf(recorded, difference, all), difference);
  const here = looked(seen, difference);
  const sound = hasLog(seen.stdout, difference) && hasKeys(recorded.stdout, seen.stdout, difference);
  const outcome = sound && equal(expected, here) ? 'differs' : 'wrong';
  return { name, outcome, reason: difference.reason, recorded: expected, seen: here };
}

function seenOf({ exit, stdout, stderr }: Recording): Seen {
  return { exit, stdout: masked(stdout), stderr: masked(stderr) };
}

/** What is expected here: the recording with the pieces replaced that are known to differ. */
function expectedOf(recorded: Seen, difference: Difference, all: readonly Recording[]): Seen {
  const other = all.find((one) => one.case === difference.as);
  const base = other === undefined ? recorded : seenOf(other);
  const replaced = (text: string) =>
    masked((difference.replace ?? []).reduce((current, [from, to]) => current.replaceAll(from, () => to), text));
  return {
    exit: difference.exit ?? base.exit,
    stdout: difference.stdout ?? replaced(base.stdout),
    stderr: difference.stderr ?? replaced(base.stderr),
  };
}

/** Without what is looked at in another way. */
function looked(seen: Seen, { log, keys }: Difference): Seen {
  if (keys === true) return { ...seen, stdout: '<RESOURCE>' };
  if (log !== true) return seen;
  return { ...seen, stdout: seen.stdout.replace(/(REMOTE BUILD OUTPUT ----\n)[\s\S]*(?=^----)/m, '$1<LOG>\n') };
}

/** A log begins with the build's id, whatever it was that ran. */
function hasLog(seen: string, { log }: Difference): boolean {
  return log !== true || seen.includes('REMOTE BUILD OUTPUT ----\nstarting build "<ID>"\n');
}

/** Whether a resource has every field that the recorded one has, of those that stand at its top. */
function hasKeys(recorded: string, seen: string, { keys }: Difference): boolean {
  if (keys !== true) return true;
  const of = (text: string) =>
    new Set([...text.matchAll(/^(?: {2}"(\w+)"|(\w+)):/gm)].map((match) => match[1] ?? match[2]));
  const here = of(seen);
  return [...of(recorded)].every((key) => here.has(key));
}

function equal(a: Seen, b: Seen): boolean {
  return a.exit === b.exit && a.stdout === b.stdout && a.stderr === b.stderr;
}

/** The recording's names for things replaced by ours. */
function ours(text: string, server: TestServer, { project, folder }: Place, ids: Record<string, string>): string {
  const port = server.host.split(':')[1] ?? '';
  let result = text
    .replaceAll('<W>/tls/ca.pem', join(server.data, 'ca.pem'))
    .replaceAll('<CA>', join(server.data, 'ca.pem'))
    .replaceAll('<W>', folder)
    .replace(/\b890[0-3]\b/g, port)
    .replace(/\bp1(?=[/_]|$)/g, project)
    .replaceAll('gs://bkt', `gs://${project}x`)
    .replaceAll('gs://mybkt', `gs://${project}buk`)
    .replaceAll('gs://newb', `gs://${project}nb`);
  for (const [from, to] of Object.entries(ids)) result = result.replaceAll(from, to);
  return result;
}

/** The other way round, in what was printed. */
function theirs(seen: Seen, { project, folder }: Place): Seen {
  const back = (text: string) =>
    masked(text.replaceAll(folder, '<W>'))
      .replaceAll(`${project}buk`, 'mybkt')
      .replaceAll(new RegExp(`\\b${project}nb\\b`, 'g'), 'newb')
      .replaceAll(new RegExp(`\\b${project}x\\b`, 'g'), 'bkt')
      .replaceAll(new RegExp(`(?<![\\w-])${project}(?=[^\\w-]|_|$)`, 'gm'), 'p1');
  return { exit: seen.exit, stdout: back(seen.stdout), stderr: back(seen.stderr) };
}

async function environmentOf(
  recording: Recording,
  server: TestServer,
  place: Place,
  setUp: SetUp,
): Promise<NodeJS.ProcessEnv> {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: join(place.folder, 'home'),
    CLOUDSDK_CONFIG: join(place.folder, 'gcfg'),
    COLUMNS: '80',
    LANG: 'C.UTF-8',
    PYTHONWARNINGS: 'ignore',
    PYTHONUNBUFFERED: '1',
  };
  for (const [name, value] of Object.entries({ ...recording.env, ...setUp.env })) {
    if (value !== undefined) env[name] = ours(value, server, place, {});
  }
  const token = setUp.token === undefined ? await server.token() : setUp.token;
  await writeFile(join(place.folder, 'tok'), `${token}\n`, { mode: 0o600 });
  return env;
}

async function run(command: string, cwd: string, env: NodeJS.ProcessEnv, { interruptAt }: SetUp): Promise<Seen> {
  const [program = '', ...args] = words(command);
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = { stdout: '', stderr: '' };
  let interrupt: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const signal = (name: NodeJS.Signals) => child.pid !== undefined && process.kill(-child.pid, name);
  child.stdout.on('data', () => {
    if (interruptAt === undefined || interrupt !== undefined || !output.stdout.includes(interruptAt)) return;
    interrupt = setTimeout(() => signal('SIGINT'), 1000);
  });
  const timer = setTimeout(() => signal('SIGKILL'), LONGEST_MS);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(interrupt);
  clearTimeout(timer);
  return { exit: code ?? 128, ...output };
}

/** The words of a recorded command, which were joined by spaces; a flag's value may hold some. */
function words(command: string): string[] {
  if (command.startsWith('bash -c ')) return ['bash', '-c', command.slice('bash -c '.length)];
  if (command.includes(' | ')) return ['bash', '-c', command];
  if (command.startsWith('gsutil ')) return command.split(' ');
  return command.split(/ (?=--[a-z])/).flatMap((part) => (/^--[a-z-]+=/.test(part) ? [part] : part.split(' ')));
}
